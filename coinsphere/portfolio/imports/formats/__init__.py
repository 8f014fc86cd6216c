"""Formats of transaction files: layouts, columns, numbers, timestamps and rows."""
