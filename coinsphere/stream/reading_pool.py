"""The stream's connection pool to PostgreSQL, which reads in the scope `stream` and writes nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from coinsphere.db.owner import Scope
from coinsphere.db.pool import CONNECT_SECONDS, PREPARED_FROM, RETRY_SECONDS, WAIT_SECONDS

_SIZE = 4
_ACT = "select set_config('app.scope', %(scope)s, true)"


class ReadingPool:
    """Connections whose transactions read, as the scope `stream`; both hold for a transaction, as a pooler lends no longer.

    Args:
        dsn: of the API's role, which has its time zone and timeouts in the database.
        prepares: the server may keep plans of statements.
    """

    def __init__(self, dsn: str, *, prepares: bool = True) -> None:
        self._pool: AsyncConnectionPool[AsyncConnection] = AsyncConnectionPool(
            dsn,
            open=False,
            min_size=1,
            max_size=_SIZE,
            timeout=WAIT_SECONDS,
            configure=_let_read,
            check=AsyncConnectionPool.check_connection,
            reconnect_timeout=RETRY_SECONDS,
            reconnect_failed=AsyncConnectionPool.check,
            kwargs={
                "connect_timeout": CONNECT_SECONDS,
                "application_name": "coinsphere-stream",
                "prepare_threshold": PREPARED_FROM if prepares else None,
            },
        )

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction. Raises `psycopg_pool.PoolTimeout` where none was free for some seconds."""
        async with self._pool.connection() as conn:
            await conn.execute(_ACT, {"scope": Scope.STREAM})
            yield conn

    async def __aenter__(self) -> Self:
        await self._pool.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close()


async def _let_read(conn: AsyncConnection) -> None:
    await conn.set_read_only(True)
