"""Applies asset events (renames, migrations, redenominations) to listings, alerts and books."""
