"""A database that is away for a while, as while its server restarts."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from coinsphere.local.postgres import SUPERUSER, PostgresServer


@contextmanager
def away(server: PostgresServer, database: str) -> Iterator[None]:
    """Cut every connection to `database` and refuse new ones until the context ends."""
    statement = sql.SQL("alter database {} with allow_connections {}")
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as conn:
        conn.execute(statement.format(sql.Identifier(database), sql.Literal(False)))  # noqa: FBT003  SQL's literal
        conn.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s",
            [database],
        )
        try:
            yield
        finally:
            conn.execute(statement.format(sql.Identifier(database), sql.Literal(True)))  # noqa: FBT003  SQL's literal
