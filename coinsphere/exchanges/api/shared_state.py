"""What all processes know of an exchange, in Redis; nothing is shared while Redis is away."""

import time
from collections.abc import Callable
from typing import Any

from redis import Redis, RedisError

from coinsphere import log

_ALONE_SECONDS = 5.0
"""How long Redis is not asked again after it failed."""
_log = log.get("exchanges")


class SharedState:
    """The keys of one exchange in Redis."""

    def __init__(
        self, venue: str, redis: "Redis | None", elapsed: Callable[[], float] = time.monotonic
    ) -> None:
        self._venue, self._redis, self._elapsed = venue, redis, elapsed
        self._alone_until = 0.0

    def key(self, name: str) -> str:
        """The key of the exchange's `name`."""
        return f"coinsphere:exchange:{self._venue}:{name}"

    def ask(self, question: Callable[["Redis"], Any]) -> Any:
        """Redis's answer; None where there is no Redis, or it does not answer."""
        if self._redis is None or self._elapsed() < self._alone_until:
            return None
        try:
            return question(self._redis)
        except RedisError as error:
            self._alone_until = self._elapsed() + _ALONE_SECONDS
            _log.warning("limits of exchanges not shared", exchange=self._venue, error=str(error))
            return None
