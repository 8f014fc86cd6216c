"""Alembic's environment: `coinsphere.db.migrate` hands over the connection."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table_schema="public",
    transaction_per_migration=True,
)
context.run_migrations()
