"""State of an exchange that all processes share through Redis; while Redis is away nothing is shared."""

from collections.abc import Callable
from typing import Any

from redis import Redis, RedisError

from coinsphere import log
from coinsphere.network.redis_pool import RedisAway

_log = log.get("exchanges")


class SharedState:
    """The keys of one exchange in Redis."""

    def __init__(self, venue: str, redis: "Redis | None") -> None:
        self._venue, self._redis = venue, redis

    def key(self, name: str) -> str:
        """The key of the exchange's `name`."""
        return f"coinsphere:exchange:{self._venue}:{name}"

    def ask(self, question: Callable[["Redis"], Any]) -> Any:
        """The answer of Redis; None without Redis, or while it does not answer."""
        if self._redis is None:
            return None
        try:
            return question(self._redis)
        except RedisAway:
            return None
        except RedisError as error:
            _log.warning("limits of exchanges not shared", exchange=self._venue, error=str(error))
            return None
