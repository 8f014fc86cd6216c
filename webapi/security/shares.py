"""Requests of a caller that Redis has counted ahead for one process, which then admits them without asking.

What is counted ahead is counted: no caller gets more than the limit, by however many processes. A process counts ahead no
more than a caller used in the second before, and a small part of what he has left: near the limit each request is asked
for. What was not used is given back at the caller's next request, and until then it is missing to other processes.
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
class Share:
    """What a process has for one caller.

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
class Wanted:
    """What to ask Redis for: requests to count ahead, and those of before that are given back."""

    ahead: int = 0
    back: int = 0


class Shares:
    """Those of this process, by window."""

    def __init__(self) -> None:
        self._shares: dict[str, Share] = {}
        self._lock = Lock()

    def spend(self, window: Window) -> Standing | None:
        """Admit a request that is counted already; None where Redis must be asked."""
        with self._lock:
            share = self._shares.get(window.key)
            if share is None or share.units < window.cost:
                return None
            if time.monotonic() >= share.asked_at + _SECONDS:
                return None
            share.units -= window.cost
            share.used += window.cost
            return Standing(window, share.left + share.units, share.reset_at)

    def wanted(self, window: Window) -> Wanted:
        """How much to count ahead now; what is left of before is out of use from here on."""
        with self._lock:
            share = self._shares.pop(window.key, None)
        age = time.monotonic() - share.asked_at if share is not None else _GIVEN_BACK_SECONDS
        # Later it may have left the window, and somebody else's would be given back for it.
        if share is None or age >= min(_GIVEN_BACK_SECONDS, window.seconds / 2):
            return Wanted()
        # Twice as much as it took: so a caller who goes on is asked for ever less often.
        ahead = (
            min(_MOST, 2 * (share.used + window.cost)) if age < _SECONDS else min(_MOST, share.used)
        )
        return Wanted(ahead, share.units)

    def begin(self, standing: Standing, ahead: int) -> Standing:
        """Keep what Redis has counted ahead; how the caller stands, to whom it is left."""
        window = standing.window
        share = Share(ahead, 0, standing.left, standing.reset_at, time.monotonic())
        with self._lock:
            if len(self._shares) >= _MOST_CALLERS:
                self._shares.clear()
            before = self._shares.get(window.key)
            if before is not None:
                # Two threads asked at once.
                share.units += before.units
            self._shares[window.key] = share
            return Standing(window, share.left + share.units, share.reset_at)
