"""Admits requests by one call to Redis, which counts the request in its rate-limit windows and reads its session.

The windows slide. A request is counted in each of its windows, or in none where one of them is full. For frequent callers
a process leases some requests ahead and admits them without asking, see `webapi.security.quota_leases`. While Redis is
away or slow, each process counts for itself: a caller may then make as many times more requests as there are processes.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from flask import g, has_request_context
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from webapi.backends.cache import Cache
from webapi.backends.memory import Changes
from webapi.security import quota_leases
from webapi.security.quota_leases import LeaseRequest, Leases
from webapi.security.windows import Standing, Window

_ADMISSION = "admission"
ADMISSION = "coinsphere.admission"
"""The key of a WSGI environ under which the admission lies that was found before Flask was called."""

# A window is a list of instants, the newest first; what has left it is dropped first, so each request costs the same,
# however many a window holds.
_ADMIT = """
    local session, lives = redis.call('get', KEYS[1]), redis.call('pttl', KEYS[1])
    local now, refused, told = tonumber(ARGV[1]), 0, {}
    for window = 1, #KEYS - 1 do
        local key, at = KEYS[window + 1], window * 6 - 3
        local amount, seconds, cost = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
        for _ = 1, tonumber(ARGV[at + 5]) do
            redis.call('lpop', key)
        end
        local oldest = redis.call('lindex', key, -1)
        while oldest and tonumber(oldest) <= now - seconds do
            redis.call('rpop', key)
            oldest = redis.call('lindex', key, -1)
        end
        local count = redis.call('llen', key)
        if count + cost > amount and refused == 0 then
            refused = window
        end
        told[window] = {count, oldest or ARGV[1], 0}
    end
    for window = 1, #KEYS - 1 do
        local key, at = KEYS[window + 1], window * 6 - 3
        if refused == 0 and ARGV[at + 3] == '1' then
            local amount, cost, ahead = tonumber(ARGV[at]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 4])
            if amount - told[window][1] - cost < ahead * tonumber(ARGV[2]) then
                ahead = 0
            end
            for _ = 1, cost + ahead do
                redis.call('lpush', key, ARGV[1])
            end
            redis.call('expire', key, ARGV[at + 1])
            told[window][1], told[window][3] = told[window][1] + cost + ahead, ahead
        end
    end
    return {session, lives, refused, told}
"""


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session from Redis: its value, the seconds that it still lives, and the stamp of changes before Redis was asked."""

    value: bytes | None
    seconds: float
    stamp: int


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a request is admitted, and the session that was read with it.

    Attributes:
        standings: of each window, this request counted.
        refused: the first full window; the request is then counted in none.
        session: what Redis has of the session; None where it was not asked.
    """

    standings: Sequence[Standing]
    refused: Standing | None = None
    session: StoredSession | None = None


_NOTHING = StoredSession(None, 0, 0)


class Admissions:
    """The windows that all processes share, and those of this process for when Redis is away."""

    def __init__(self, cache: Cache, changes: Changes) -> None:
        self._ask = cache.script(_ADMIT)
        self._changes = changes
        self._leases = Leases()
        self._alone = MovingWindowRateLimiter(MemoryStorage())

    def admit(self, windows: Sequence[Window], *, session: str = "") -> Admission:
        """Count a request, and read the session under `session` from Redis, where Redis is asked at all."""
        standing = self._leases.spend(windows[0]) if _may_be_shared(windows) else None
        if standing is not None:
            return Admission([standing])
        admission = self._asked(windows, session)
        return self._counted_alone(windows) if admission is None else admission

    def session(self, key: str) -> StoredSession:
        """Read a session from Redis."""
        admission = self._asked([], key)
        return (
            admission.session
            if admission is not None and admission.session is not None
            else _NOTHING
        )

    def _asked(self, windows: Sequence[Window], session: str) -> Admission | None:
        is_shared, stamp = _may_be_shared(windows), self._changes.stamp()
        wanted = self._leases.wanted(windows[0]) if is_shared else LeaseRequest()
        arguments: list[Any] = [time.time(), quota_leases.PART]
        for window in windows:
            arguments += [window.amount, window.seconds, window.cost, int(window.counts)]
            arguments += [wanted.ahead, wanted.back]
        answer = self._ask([session, *(window.key for window in windows)], arguments)
        if not answer:
            return None
        session_value, lives, refused, counts = answer
        standings = [
            Standing(window, max(0, window.amount - count), float(oldest) + window.seconds)
            for window, (count, oldest, _) in zip(windows, counts, strict=True)
        ]
        if is_shared and not refused:
            standings = [self._leases.begin(standings[0], counts[0][2])]
        full = standings[refused - 1] if refused else None
        return Admission(standings, full, StoredSession(session_value, max(0, lives) / 1000, stamp))

    def _counted_alone(self, windows: Sequence[Window]) -> Admission:
        items = [RateLimitItemPerSecond(window.amount, window.seconds) for window in windows]
        asked = list(zip(windows, items, strict=True))
        full = [not self._alone.test(item, window.key, cost=window.cost) for window, item in asked]
        if not any(full):
            for window, item in asked:
                if window.counts:
                    self._alone.hit(item, window.key, cost=window.cost)
        standings = []
        for window, item in asked:
            stats = self._alone.get_window_stats(item, window.key)
            standings.append(Standing(window, max(0, stats.remaining), stats.reset_time))
        return Admission(standings, standings[full.index(True)] if any(full) else None)


def _may_be_shared(windows: Sequence[Window]) -> bool:
    """Whether requests can be leased: with several windows each must have room, which only Redis can check at once."""
    return len(windows) == 1 and windows[0].counts


def keep(admission: Admission) -> None:
    """Store the admission of the present request."""
    setattr(g, _ADMISSION, admission)


def of_request() -> Admission | None:
    """The admission of the present request; None where it is not counted."""
    return cast("Admission | None", g.get(_ADMISSION)) if has_request_context() else None
