"""A circuit breaker: stops calls to a server for a while after several failures in a row."""

import threading
import time
from collections.abc import Callable

from prometheus_client import Counter

LEFT_ALONE = Counter(
    "coinsphere_calls_not_made",
    "Calls of a server that were not made, as it had failed.",
    ["server"],
)


class CircuitBreaker:
    """Opens after some failures in a row; after a pause one call may try, which closes or opens it again.

    Args:
        server: what the figures call it.
        failures: so many in a row open it.
        rest_seconds: for how long.
        elapsed: seconds since some instant.
    """

    def __init__(
        self,
        server: str,
        failures: int,
        rest_seconds: float,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = server
        self._most, self._rest, self._elapsed = failures, rest_seconds, elapsed
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until: float | None = None

    def admit(self) -> bool:
        """Whether a call may go through; one that may not is counted."""
        is_admitted = self.claim()
        if not is_admitted:
            LEFT_ALONE.labels(self._server).inc()
        return is_admitted

    def claim(self) -> bool:
        """Whether a call may go through, for who asks others, too, and counts itself."""
        with self._lock:
            if self._open_until is None:
                return True
            now = self._elapsed()
            if now < self._open_until:
                return False
            # This caller tries; the others wait until it has found out.
            self._open_until = now + self._rest
            return True

    @property
    def is_open(self) -> bool:
        """Whether it lets no call through at present."""
        with self._lock:
            return self._open_until is not None and self._elapsed() < self._open_until

    def succeeded(self) -> None:
        """Record that the server answered."""
        with self._lock:
            self._failures, self._open_until = 0, None

    def failed(self) -> None:
        """Record that the server gave no answer, or a fault."""
        with self._lock:
            self._failures += 1
            if self._failures >= self._most:
                self._open_until = self._elapsed() + self._rest

    def rest(self, seconds: float) -> None:
        """Stay open for as long as the server asked."""
        with self._lock:
            self._open_until = self._elapsed() + seconds
