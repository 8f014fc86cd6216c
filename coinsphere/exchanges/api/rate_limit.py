"""The rate limit of an exchange: spaces calls, whoever makes them."""

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
    """Spaces calls, whoever of this process makes them."""

    def __init__(self, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._elapsed, self._lock, self._free_at = elapsed, threading.Lock(), 0.0

    def take(self, seconds: float) -> float:
        """Seconds until one's turn; the next caller's comes `seconds` later."""
        with self._lock:
            now = self._elapsed()
            turn = max(now, self._free_at)
            self._free_at = turn + seconds
            return turn - now


class RateLimit:
    """One budget of all processes, or of this one alone while Redis is away."""

    def __init__(
        self,
        shared: SharedState,
        sleep: Callable[[float], None] = time.sleep,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shared, self._sleep, self._budget = shared, sleep, Budget(elapsed)

    def take(self, seconds: float) -> None:
        """Wait for one's turn, and make the next caller wait `seconds` longer."""
        key = self._shared.key("free_at")
        found = self._shared.ask(lambda redis: redis.eval(_TAKE, 1, key, repr(seconds)))
        wait = self._budget.take(seconds) if found is None else float(found)
        if wait > 0:
            self._sleep(wait)
