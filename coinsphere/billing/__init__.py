"""Plans, who has which, and payments for them."""
