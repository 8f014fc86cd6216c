"""What an exchange lets us do: its rate limit, and the circuit breaker that leaves it alone when it fails.

Both belong to an exchange and not to a process, as its limits count by address: they live in Redis, where all workers
and the API find them. Without Redis each process keeps its own until it is back; nothing else changes.
"""

import threading
import time
from collections.abc import Callable

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from coinsphere.exchanges.api.circuit_breaker import CircuitBreaker
from coinsphere.exchanges.api.rate_limit import RateLimit
from coinsphere.exchanges.api.shared_state import SharedState

_REDIS_TIMEOUT_SECONDS = 0.5


class Limits:
    """Rate limit and circuit breaker of one exchange."""

    def __init__(
        self,
        venue: str,
        redis: "Redis | None" = None,
        sleep: Callable[[float], None] = time.sleep,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        shared = SharedState(venue, redis, elapsed)
        self.rate = RateLimit(shared, sleep, elapsed)
        self.breaker = CircuitBreaker(venue, shared, elapsed)


class LimitsByExchange:
    """The limits of each exchange; a process makes one of these and gives it to whoever calls."""

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
    return Redis.from_url(
        url,
        socket_timeout=_REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=_REDIS_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
