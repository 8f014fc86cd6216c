"""How files write transactions: layouts, columns, numbers, timestamps and rows."""
