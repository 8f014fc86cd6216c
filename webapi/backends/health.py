"""Caches the results of probes of other servers for a moment."""

import time
from collections.abc import Callable
from threading import Lock

KEEP_SECONDS = 5.0
"""Health is public: however often it is asked, the servers are asked once in so long."""


class Health:
    """The results of probes, renewed when they are older than `KEEP_SECONDS`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._states: dict[str, int | None] = {}
        self._asked_at = float("-inf")

    def get(self, ask: Callable[[], dict[str, int | None]]) -> dict[str, int | None]:
        """The results by the probe's name, None where it failed; `ask` runs the probes."""
        with self._lock:
            if time.monotonic() - self._asked_at > KEEP_SECONDS:
                self._states = ask()
                self._asked_at = time.monotonic()
            return self._states
