"""Plans, who has which, and how they are paid for."""
