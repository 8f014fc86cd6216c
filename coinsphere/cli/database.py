"""The connection of a command to the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg import Connection

    from coinsphere.settings import Role


@contextmanager
def connection(role: "Role") -> "Iterator[Connection]":
    """A transaction in a role, for one command.

    Raises:
        psycopg_pool.PoolTimeout: the database is away.
    """
    from coinsphere.db.pool import Database
    from coinsphere.settings import Settings

    url = Settings.from_env().url_for(role)
    with Database(url, size=1) as database, database.connection() as conn:
        yield conn
