"""Cost basis: what transactions do to the lots, positions and flows of one token."""
