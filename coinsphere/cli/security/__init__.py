"""`coinsphere keys` and `coinsphere audit`."""
