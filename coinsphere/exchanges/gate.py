"""What stands between us and an exchange in one process: its budget of calls, and a breaker when it fails."""

import threading
import time
from collections.abc import Callable

from coinsphere.exchanges.errors import CircuitOpen

FAILURES = 5
"""Failures in a row after which an exchange is left alone."""
REST_SECONDS = 30.0
"""For how long; then one call may try."""


class Budget:
    """Spaces calls to one exchange, whoever makes them, as its limits count by address."""

    def __init__(
        self,
        sleep: Callable[[float], None] = time.sleep,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sleep, self._elapsed = sleep, elapsed
        self._lock = threading.Lock()
        self._free_at = 0.0
        self.waited = 0.0
        """Seconds that callers waited for their turn, all together."""

    def take(self, seconds: float) -> None:
        """Wait for one's turn, and make the next caller wait `seconds` longer."""
        with self._lock:
            now = self._elapsed()
            turn = max(now, self._free_at)
            self._free_at = turn + seconds
            self.waited += turn - now
        if turn > now:
            self._sleep(turn - now)


class Breaker:
    """Opens after some failures in a row; after a rest lets one call try, which closes it or opens it again."""

    def __init__(self, venue: str, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._venue, self._elapsed = venue, elapsed
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until: float | None = None

    def admit(self) -> None:
        """Let a call through.

        Raises:
            CircuitOpen: the exchange is left alone.
        """
        with self._lock:
            if self._open_until is None:
                return
            now = self._elapsed()
            if now < self._open_until:
                raise CircuitOpen(self._venue, "failed several times and is left alone for a while")
            # This caller tries; the others wait until it has found out.
            self._open_until = now + REST_SECONDS

    def succeeded(self) -> None:
        """The exchange answered."""
        with self._lock:
            self._failures, self._open_until = 0, None

    def failed(self) -> None:
        """The exchange gave no answer, or a fault."""
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES:
                self._open_until = self._elapsed() + REST_SECONDS


class Gate:
    """Budget and breaker of one exchange."""

    def __init__(self, venue: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self.budget, self.breaker = Budget(sleep), Breaker(venue)


class Gates:
    """One gate for each exchange; a process makes one of these and gives it to whoever calls."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._lock, self._sleep = threading.Lock(), sleep
        self._gates: dict[str, Gate] = {}

    def of(self, venue: str) -> Gate:
        """The gate of an exchange, the same for all callers."""
        with self._lock:
            return self._gates.setdefault(venue, Gate(venue, self._sleep))
