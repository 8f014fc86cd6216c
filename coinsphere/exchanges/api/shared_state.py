"""What all processes know of an exchange, kept in Redis; while Redis is away nothing is shared."""

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
        """Redis's answer; None where there is no Redis, or it does not answer, or is left alone as it did not."""
        if self._redis is None:
            return None
        try:
            return question(self._redis)
        except RedisAway:
            return None
        except RedisError as error:
            _log.warning("limits of exchanges not shared", exchange=self._venue, error=str(error))
            return None
