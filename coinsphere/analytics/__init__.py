"""What users who allow it do with the product, and what that amounts to."""
