"""Exchanges, wallets and programs whose files tell a transaction a row: a module each, as tables."""
