"""Files of transactions: read, previewed, confirmed, imported, and exported again."""
