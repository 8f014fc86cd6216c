"""One question to Redis that admits a request: counts it in its windows, and reads its session.

Windows move: a request is counted in each of its windows, or in none where one of them is full. Without Redis, or with a
slow one, each process counts for itself until it is back: the limits widen by the number of processes, but the door is
neither open nor shut.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from flask import g, has_request_context
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from webapi.backends.cache import Cache

_ADMISSION = "admission"

# A window is a list of instants, the newest first; what has left it is dropped first, so each request costs the same,
# however many a window holds.
_ADMIT = """
    local session = redis.call('get', KEYS[1])
    local now, refused, told = tonumber(ARGV[1]), 0, {}
    for window = 1, #KEYS - 1 do
        local key, at = KEYS[window + 1], window * 4 - 2
        local amount, seconds, cost = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
        local oldest = redis.call('lindex', key, -1)
        while oldest and tonumber(oldest) <= now - seconds do
            redis.call('rpop', key)
            oldest = redis.call('lindex', key, -1)
        end
        local count = redis.call('llen', key)
        if count + cost > amount and refused == 0 then
            refused = window
        end
        told[window] = {count, oldest or ARGV[1]}
    end
    for window = 1, #KEYS - 1 do
        local key, at = KEYS[window + 1], window * 4 - 2
        if refused == 0 and ARGV[at + 3] == '1' then
            for _ = 1, tonumber(ARGV[at + 2]) do
                redis.call('lpush', key, ARGV[1])
            end
            redis.call('expire', key, ARGV[at + 1])
            told[window][1] = told[window][1] + tonumber(ARGV[at + 2])
        end
    end
    return {session, refused, told}
"""


@dataclass(frozen=True, slots=True)
class Window:
    """A limit as it concerns one caller.

    Attributes:
        name: of the limit, as headers tell it.
        caller: who is counted.
        amount: of requests.
        seconds: the span that moves.
        cost: as how many requests this one counts.
        counts: whether it is counted now; else it is only asked whether it might be.
    """

    name: str
    caller: str
    amount: int
    seconds: int
    cost: int = 1
    counts: bool = True

    @property
    def key(self) -> str:
        """Under which the window is kept."""
        return f"limit:{self.name}:{self.seconds}:{self.caller}"


@dataclass(frozen=True, slots=True)
class Standing:
    """How many requests a window has left, and when (seconds since the epoch) its oldest leaves it."""

    window: Window
    left: int
    reset_at: float

    @property
    def seconds_left(self) -> int:
        """Until then, at least 1 and at most the window's span."""
        # Windows are counted by the machine's clock, so is what is left.
        return min(self.window.seconds, max(1, math.ceil(self.reset_at - time.time())))


@dataclass(frozen=True, slots=True)
class Admission:
    """What was found out.

    Attributes:
        standings: of each window, this request counted.
        refused: the first window that is full; the request was counted in none then.
        session: what the session cache holds.
    """

    standings: Sequence[Standing]
    refused: Standing | None = None
    session: bytes | None = None


class Admissions:
    """The way to the windows of all processes, and those of this process for when Redis is away."""

    def __init__(self, cache: Cache) -> None:
        self._ask = cache.script(_ADMIT)
        self._alone = MovingWindowRateLimiter(MemoryStorage())

    def admit(self, windows: Sequence[Window], *, session: str = "") -> Admission:
        """Count a request, and read what the cache has under the key `session`."""
        found = self._asked(windows, session)
        return self._counted_alone(windows) if found is None else found

    def _asked(self, windows: Sequence[Window], session: str) -> Admission | None:
        arguments: list[Any] = [time.time()]
        for each in windows:
            arguments += [each.amount, each.seconds, each.cost, int(each.counts)]
        found = self._ask([session, *(each.key for each in windows)], arguments)
        if not found:
            return None
        kept, refused, told = found
        standings = [
            Standing(window, max(0, window.amount - count), float(oldest) + window.seconds)
            for window, (count, oldest) in zip(windows, told, strict=True)
        ]
        return Admission(standings, standings[refused - 1] if refused else None, kept)

    def _counted_alone(self, windows: Sequence[Window]) -> Admission:
        items = [RateLimitItemPerSecond(each.amount, each.seconds) for each in windows]
        asked = list(zip(windows, items, strict=True))
        full = [not self._alone.test(item, each.key, cost=each.cost) for each, item in asked]
        if not any(full):
            for each, item in asked:
                if each.counts:
                    self._alone.hit(item, each.key, cost=each.cost)
        standings = []
        for each, item in asked:
            stats = self._alone.get_window_stats(item, each.key)
            standings.append(Standing(each, max(0, stats.remaining), stats.reset_time))
        return Admission(standings, standings[full.index(True)] if any(full) else None)


def keep(found: Admission) -> None:
    """Note how the present request was admitted."""
    setattr(g, _ADMISSION, found)


def of_request() -> Admission | None:
    """How the present request was admitted; None where it is not counted."""
    return cast("Admission | None", g.get(_ADMISSION)) if has_request_context() else None
