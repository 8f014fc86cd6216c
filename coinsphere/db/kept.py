"""A connection for who asks each few seconds."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg


class KeptConnection:
    """A connection in autocommit that stays open between two uses, and is opened anew after an error.

    A new one for each question costs both sides a proof of the password, and PostgreSQL a process.
    """

    def __init__(self, dsn: str, connect_timeout: int = 5) -> None:
        self._dsn, self._connect_timeout = dsn, connect_timeout
        self._conn: psycopg.Connection | None = None

    @contextmanager
    def use(self) -> Iterator[psycopg.Connection]:
        """The connection. Whatever error of psycopg's passes through closes it."""
        if self._conn is None:
            self._conn = psycopg.connect(
                self._dsn, autocommit=True, connect_timeout=self._connect_timeout
            )
        try:
            yield self._conn
        except psycopg.Error:
            self.close()
            raise

    def close(self) -> None:
        """Close it; the next use opens another one."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None
