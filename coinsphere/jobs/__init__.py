"""Background jobs as rows of the database: their state, their retries, and when periodic ones run."""
