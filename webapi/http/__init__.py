"""The plumbing of HTTP that every route uses: JSON, schemas, errors, cursors, idempotency, headers."""
