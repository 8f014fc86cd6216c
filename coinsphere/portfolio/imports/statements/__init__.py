"""The meaning of rows in an exchange's own books, the same for its file and its API."""
