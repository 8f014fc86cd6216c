"""The database as commands of models reach it."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection

from coinsphere.settings import Role, Settings

_TIMEOUT_MS = 600_000


@contextmanager
def connection(settings: Settings) -> Iterator[Connection]:
    """A connection with the pipeline's role, in one transaction."""
    from coinsphere.db.pool import Database

    url = settings.url_for(Role.PIPELINE)
    with (
        Database(url, size=1, statement_timeout_ms=_TIMEOUT_MS) as database,
        database.connection() as conn,
    ):
        yield conn
