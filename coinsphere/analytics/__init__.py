"""Product events of users who consent, and figures computed from them."""
