"""Reading accounts into the ledger: page by page, resolved to facts, stored with their cursor."""
