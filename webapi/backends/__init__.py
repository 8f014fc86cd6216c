"""What the API stands on: PostgreSQL, Redis, the marts that dbt builds, and the services that it asks over HTTP."""
