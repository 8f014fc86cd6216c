"""A token bucket: so many calls at once, then so many a second."""

import time
from collections.abc import Callable


class TokenBucket:
    """Lets `burst` calls through at once and refills at `rate` a second; `take` waits for its turn."""

    def __init__(
        self,
        rate: float,
        burst: int,
        sleep: Callable[[float], None] = time.sleep,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate, self._burst, self._sleep, self._elapsed = rate, burst, sleep, elapsed
        self._level, self._seen = float(burst), elapsed()

    def take(self) -> None:
        """Return once a call may be made."""
        now = self._elapsed()
        self._level = min(self._burst, self._level + (now - self._seen) * self._rate)
        self._seen = now
        if self._level < 1:
            self._sleep((1 - self._level) / self._rate)
        self._level -= 1
