"""The ledger: transactions as facts, their double entries, and pairs of transfers between own accounts."""
