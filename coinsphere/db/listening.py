"""A connection that waits for notifications, and does nothing meanwhile."""

from psycopg import AsyncConnection
from psycopg.abc import RV, PQGen

_LOOK_SECONDS = 30.0


class ListeningConnection(AsyncConnection):
    """Sleeps until something comes. psycopg looks ten times a second, so that Ctrl-C is heard where no event loop hears it."""

    async def wait(
        self,
        gen: PQGen[RV],
        interval: float = _LOOK_SECONDS,
        timeout: float | None = None,  # noqa: ASYNC109 - psycopg's signature
    ) -> RV:
        """Consume a generator that operates on the connection, as psycopg's does."""
        return await super().wait(gen, interval, timeout)
