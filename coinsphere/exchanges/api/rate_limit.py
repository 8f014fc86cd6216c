"""The rate limit of an exchange: spaces calls across all processes."""

import threading
import time
from collections.abc import Callable

from coinsphere.exchanges.api.shared_state import SharedState

_TAKE = """
local time = redis.call('time')
local now = time[1] + time[2] / 1000000
local turn = math.max(now, tonumber(redis.call('get', KEYS[1]) or '0'))
local free_at = turn + ARGV[1]
redis.call('set', KEYS[1], string.format('%.6f', free_at), 'px', math.ceil((free_at - now) * 1000) + 1000)
return tostring(turn - now)
"""


class Budget:
    """Spaces the calls of this process."""

    def __init__(self, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._elapsed, self._lock, self._free_at = elapsed, threading.Lock(), 0.0

    def take(self, seconds: float) -> float:
        """Seconds until the caller's turn; the next caller's comes `seconds` after it."""
        with self._lock:
            now = self._elapsed()
            turn = max(now, self._free_at)
            self._free_at = turn + seconds
            return turn - now


class RateLimit:
    """One budget shared by all processes through Redis; while Redis is away, each process has its own."""

    def __init__(
        self,
        shared: SharedState,
        sleep: Callable[[float], None] = time.sleep,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shared, self._sleep, self._budget = shared, sleep, Budget(elapsed)

    def take(self, seconds: float) -> None:
        """Wait for the caller's turn; the next caller's comes `seconds` after it."""
        key = self._shared.key("free_at")
        delay = self._shared.ask(lambda redis: redis.eval(_TAKE, 1, key, repr(seconds)))
        wait = self._budget.take(seconds) if delay is None else float(delay)
        if wait > 0:
            self._sleep(wait)
