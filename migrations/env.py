"""Alembic's environment: `coinsphere.db.migrate` hands over the connection."""

from typing import Any

from alembic import context

_connection = context.config.attributes["connection"]


def _settle(**_: Any) -> None:
    """After each migration: what its rows set off at the transaction's end would keep the next one from their tables."""
    _connection.exec_driver_sql("set constraints all immediate")
    _connection.exec_driver_sql("set constraints all deferred")


context.configure(
    connection=_connection,
    on_version_apply=_settle,
    version_table_schema="public",
    transaction_per_migration=True,
)
context.run_migrations()
