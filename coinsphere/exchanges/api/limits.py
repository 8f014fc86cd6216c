"""The limits on calls to an exchange: its rate limit, and its circuit breaker.

Both belong to an exchange and not to a process, as its limits count by address: they live in Redis, where all workers
and the API find them. Without Redis each process keeps its own until it is back; nothing else changes.
"""

import threading
import time
from collections.abc import Callable

from redis import Redis

from coinsphere.exchanges.api.circuit_breaker import CircuitBreaker
from coinsphere.exchanges.api.rate_limit import RateLimit
from coinsphere.exchanges.api.shared_state import SharedState
from coinsphere.network import redis_pool
from coinsphere.network.redis_pool import GuardedPool

_REDIS_TIMEOUT_SECONDS = 0.5
_SLOW_SECONDS = 0.25
"""An answer of Redis that takes longer holds calls up more than sharing the limits is worth."""


class Limits:
    """Rate limit and circuit breaker of one exchange."""

    def __init__(
        self,
        venue: str,
        redis: "Redis | None" = None,
        sleep: Callable[[float], None] = time.sleep,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        shared = SharedState(venue, redis)
        self.rate = RateLimit(shared, sleep, elapsed)
        self.breaker = CircuitBreaker(venue, shared, elapsed)


class LimitsByExchange:
    """The limits of every exchange; each process makes one and shares it among its callers."""

    def __init__(
        self, redis_url: str | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._lock, self._sleep = threading.Lock(), sleep
        self._redis = None if redis_url is None else _client(redis_url)
        self._limits: dict[str, Limits] = {}

    def of(self, venue: str) -> Limits:
        """The limits of an exchange, the same for all callers."""
        with self._lock:
            return self._limits.setdefault(venue, Limits(venue, self._redis, self._sleep))


def _client(url: str) -> "Redis":
    pool = GuardedPool.from_url(
        url, slow_seconds=_SLOW_SECONDS, **redis_pool.options(_REDIS_TIMEOUT_SECONDS)
    )
    return Redis(connection_pool=pool)
