"""The connection pool to Redis that all uses in one process share, behind one circuit breaker.

A Redis that fails is left alone for a moment, one that is slow for longer: whoever asks it meanwhile gets `RedisAway`
at once and does what it does without Redis, so that no request waits for one slow answer after another.
"""

import time
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.connection import Connection, ConnectionInterface
from redis.retry import Retry

from coinsphere.network.circuit_breaker import CircuitBreaker

TIMEOUT_SECONDS = 0.15
FAILED_REST_SECONDS = 1.0
"""After a failure Redis is left alone for so long."""
SLOW_SECONDS = 0.05
"""An answer that took longer is slow: the database itself answers sooner."""
SLOW_ANSWERS = 5
"""So many in a row leave Redis alone; fewer may be a pause of this process."""
SLOW_REST_SECONDS = 5.0
"""For so long; then one command tries."""


class RedisAway(redis.ConnectionError):
    """Redis failed or was slow a moment ago, and is not asked for a while."""


class GuardedPool(redis.ConnectionPool):
    """Lends connections only while Redis answered those before in time.

    A loan is one command or one pipeline, connecting included.

    Args:
        slow_seconds: an answer that took longer counts as failed, some in a row leave Redis alone.
        options: of `redis.ConnectionPool`.
    """

    def __init__(self, *, slow_seconds: float = SLOW_SECONDS, **options: Any) -> None:
        super().__init__(**options)
        self._slow_seconds = slow_seconds
        self.breaker = CircuitBreaker("redis", SLOW_ANSWERS, SLOW_REST_SECONDS)
        self._lent_at: dict[ConnectionInterface, float] = {}

    def get_connection(self, *_: object, **__: object) -> Connection:
        """A connection that is open.

        Raises:
            RedisAway: Redis is left alone.
            redis.RedisError: it cannot be reached.
        """
        if not self.breaker.admit():
            raise RedisAway("Redis failed or was slow a moment ago, and is left alone for a while.")
        lent_at = time.monotonic()
        try:
            connection: Connection = super().get_connection()
        except (redis.RedisError, OSError):
            self.breaker.rest(FAILED_REST_SECONDS)
            raise
        self._lent_at[connection] = lent_at
        return connection

    def release(self, connection: ConnectionInterface) -> None:
        """Take a connection back, and record whether its use succeeded."""
        lent_at = self._lent_at.pop(connection, None)
        if lent_at is not None:
            self._judge(connection, time.monotonic() - lent_at)
        super().release(connection)  # type: ignore[arg-type]  # narrower than what it implements

    def _judge(self, connection: ConnectionInterface, seconds: float) -> None:
        # The client closes a connection whose answer did not come, or broke off.
        if not connection.is_connected:
            self.breaker.rest(FAILED_REST_SECONDS)
        elif seconds > self._slow_seconds:
            self.breaker.failed()
        else:
            self.breaker.succeeded()


def options(timeout: float = TIMEOUT_SECONDS) -> dict[str, Any]:
    """The options of a connection: no retries, as the next request is the next attempt."""
    return {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
    }
