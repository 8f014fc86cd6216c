"""Backups of the whole state: base backups, write-ahead log, files of models, keys; and restoring them."""
