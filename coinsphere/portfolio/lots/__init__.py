"""Cost basis: the lots, positions and flows of one token, computed from transactions."""
