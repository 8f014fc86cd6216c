"""What the rows of an exchange's own books mean, the same for a file and for its API."""
