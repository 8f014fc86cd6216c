"""Accounts of users at exchanges, read into the ledger."""
