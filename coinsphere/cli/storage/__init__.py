"""`coinsphere db`, `backup` and `integrity`: what is stored."""
