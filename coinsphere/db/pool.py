"""The connection pool to PostgreSQL: one a process, opened after a fork."""

import select
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from psycopg import Connection, OperationalError
from psycopg_pool import ConnectionPool

_OPTIONS = "-c timezone=UTC -c statement_timeout={timeout_ms} -c lock_timeout=10000 -c search_path=app,market,model,jobs,public"

PREPARED_FROM = 5
"""A statement is prepared when a connection has it for the so-manieth time."""

WAIT_SECONDS = 3.0
"""For how long a query waits for a connection."""
RETRY_SECONDS = 1.0
"""From one try to reach a server that is away to the next. The pool would double it from try to try, and sleep on for half a
minute once the server is back."""
CONNECT_SECONDS = 5
"""A try that is not answered ends then: a server that hangs, or an address that nobody has any more, answers never."""


class _LastFirst(deque[Any]):
    """Gives first what came last."""

    popleft = deque.pop


class Database:
    """A pool of connections to the database of one role.

    `with database.connection() as conn:` is one transaction: it commits on leaving, and rolls back on an exception.
    Build it anywhere, call `open` only after a fork: libpq forbids a connection shared between processes.
    """

    def __init__(
        self,
        url: str,
        *,
        size: int = 8,
        statement_timeout_ms: int = 5_000,
        begins_itself: bool = True,
        role_has_settings: bool = False,
        prepares: bool = True,
    ) -> None:
        """See the class.

        Args:
            url: of the database, with the role.
            size: connections at most.
            statement_timeout_ms: of each statement.
            begins_itself: False for who begins transactions in words of their own.
            role_has_settings: time zone, search path and timeouts are the role's own (migration 0073), so that a pooler, which
                knows no options, may stand in front of the server.
            prepares: the server may keep plans of statements.
        """
        self.url = url
        options = (
            {}
            if role_has_settings
            else {"options": _OPTIONS.format(timeout_ms=statement_timeout_ms)}
        )
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url,
            open=False,
            min_size=1,
            max_size=size,
            timeout=WAIT_SECONDS,
            max_lifetime=1800.0,
            max_waiting=200,
            check=self._require_alive,
            reconnect_timeout=RETRY_SECONDS,
            reconnect_failed=ConnectionPool.check,
            kwargs={
                **options,
                "connect_timeout": CONNECT_SECONDS,
                "application_name": "coinsphere",
                "autocommit": not begins_itself,
                "prepare_threshold": PREPARED_FROM if prepares else None,
            },
        )

        # It would lend them in turn: each server's caches were cold, however few are needed at once.
        self._pool._pool = _LastFirst()  # noqa: SLF001 - there is no option

    def open(self) -> Self:
        """Open the pool without waiting for the server; a first query waits 3 s at most."""
        self._pool.open()
        return self

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    @contextmanager
    def connection(self, wait_seconds: float = WAIT_SECONDS) -> Iterator[Connection]:
        """A connection in a transaction.

        Raises:
            psycopg_pool.PoolTimeout: no connection was free, or the server was away, for so long.
        """
        with self._pool.connection(wait_seconds) as conn:
            yield conn

    def _require_alive(self, conn: Connection) -> None:
        """Ask the server whether a connection lives, where it said something unasked.

        A server that ends, or ends a session, says so or closes: then there is something to read. To ask each time that a
        connection is lent would cost every request a round trip. One that is dead is seldom the only one: all are looked at,
        as who asks would come upon them one by one otherwise, with a pause behind each.

        Raises:
            psycopg.OperationalError: it is dead; the pool makes another.
        """
        waiting = select.poll()
        waiting.register(conn.fileno(), select.POLLIN)
        if waiting.poll(0):
            try:
                ConnectionPool.check_connection(conn)
            except OperationalError:
                self._pool.check()
                raise

    def stats(self) -> dict[str, int]:
        """The pool's counters, as psycopg_pool names them."""
        return dict(self._pool.get_stats())

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()
