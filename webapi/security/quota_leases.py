"""Leases on a caller's rate limit: requests that Redis counts ahead, so that a process admits them without asking.

A leased request is counted at once, so no caller gets more than the limit, by however many processes. A lease is bounded
by twice what the caller used lately and by a small part of what is left; near the limit Redis is asked for each request.
Unused requests return at the caller's next request; until then other processes lack them.
"""

import time
from dataclasses import dataclass
from threading import Lock

from webapi.security.windows import Standing, Window

PART = 64
"""At most this part of what is left is counted ahead, so it is never more of a limit than that which may be missing."""
_MOST = 64
_SECONDS = 1.0
"""For so long requests are admitted unasked: by then headers know what other processes counted."""
_GIVEN_BACK_SECONDS = 30.0
_MOST_CALLERS = 10_000


@dataclass(slots=True)
class Lease:
    """Requests that a process may still admit of one caller.

    Attributes:
        units: requests that are counted and not made yet.
        used: requests made since Redis was asked.
        left: of the window when it was asked, `units` taken off.
        reset_at: as `Standing`.
        asked_at: monotonic.
    """

    units: int
    used: int
    left: int
    reset_at: float
    asked_at: float


@dataclass(frozen=True, slots=True)
class LeaseRequest:
    """What to ask Redis for: requests to count ahead, and those of before that are given back."""

    ahead: int = 0
    back: int = 0


class Leases:
    """The leases of this process, by window."""

    def __init__(self) -> None:
        self._leases: dict[str, Lease] = {}
        self._lock = Lock()

    def spend(self, window: Window) -> Standing | None:
        """Admit a request that is already counted; None where Redis must be asked."""
        with self._lock:
            lease = self._leases.get(window.key)
            if lease is None or lease.units < window.cost:
                return None
            if time.monotonic() >= lease.asked_at + _SECONDS:
                return None
            lease.units -= window.cost
            lease.used += window.cost
            return Standing(window, lease.left + lease.units, lease.reset_at)

    def wanted(self, window: Window) -> LeaseRequest:
        """The request for a new lease; what is left of the old one can no longer be spent."""
        with self._lock:
            lease = self._leases.pop(window.key, None)
        age = time.monotonic() - lease.asked_at if lease is not None else _GIVEN_BACK_SECONDS
        # Later it may have left the window, and somebody else's would be given back for it.
        if lease is None or age >= min(_GIVEN_BACK_SECONDS, window.seconds / 2):
            return LeaseRequest()
        # Twice as much as it took: so a caller who goes on is asked for ever less often.
        ahead = (
            min(_MOST, 2 * (lease.used + window.cost)) if age < _SECONDS else min(_MOST, lease.used)
        )
        return LeaseRequest(ahead, lease.units)

    def begin(self, standing: Standing, ahead: int) -> Standing:
        """Keep what Redis has counted ahead; how the caller stands, to whom it is left."""
        window = standing.window
        lease = Lease(ahead, 0, standing.left, standing.reset_at, time.monotonic())
        with self._lock:
            if len(self._leases) >= _MOST_CALLERS:
                self._leases.clear()
            before = self._leases.get(window.key)
            if before is not None:
                # Two threads asked at once.
                lease.units += before.units
            self._leases[window.key] = lease
            return Standing(window, lease.left + lease.units, lease.reset_at)
