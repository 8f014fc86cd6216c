"""The API's backends: PostgreSQL, Redis, the marts that dbt builds, and services asked over HTTP."""
