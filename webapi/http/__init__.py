"""HTTP plumbing of every route: JSON, schemas, errors, cursors, idempotency, headers."""
