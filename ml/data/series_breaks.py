"""Where a token's candles change their unit: a redenomination, or files of two tokens under one name.

Tokens are traded without a pause, so a day opens where the last one closed. Where a whole day lies at another level than
the close before it, no trade led from one to the other: the prices count something else. A crash, however deep, is
traded through and shows within its candles, so it is no break, but it is named.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

Row = Sequence[float]
"""Open, high, low, close and volume."""

_LEAST_FACTOR = 1.9
"""A token is redenominated 1:2 at the least; one source's open is never so far from its last close."""
_LEAST_FACTOR_AFTER_A_GAP = 10.0
"""Where days are missing between, the price had time to move."""
_LARGEST_MOVE = 10.0
"""A fall to a tenth within a day is real or wrong, and worth a look in either case."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Series:
    """Days of a token that count the same unit."""

    symbol: str
    days: Mapping[date, Row]


def split(symbol: str, days: Mapping[date, Row]) -> tuple[list[Series], list[str]]:
    """A token's days in series of one unit each, and what was found.

    The last series keeps the symbol; an earlier one is called `SOL until 2026-10-18`, as a token of its own. So no
    return, no input and no outcome reaches across a break.
    """
    ordered = sorted(days)
    breaks = [
        (before, after)
        for before, after in pairwise(ordered)
        if _is_break(days[before], days[after], after - before)
    ]
    notes = [_told(symbol, before, after, days) for before, after in breaks]
    notes += _moves(symbol, ordered, days)
    starts = [*ordered[:1], *(after for _, after in breaks)]
    ends = [*(before for before, _ in breaks), *ordered[-1:]]
    parts = [
        Series(
            symbol if last == ordered[-1] else f"{symbol} until {last}",
            {day: days[day] for day in ordered if first <= day <= last},
        )
        for first, last in zip(starts, ends, strict=True)
    ]
    return parts, notes


def _is_break(before: Row, after: Row, distance: timedelta) -> bool:
    close, (_, high, low, *_) = before[3], after
    factor = _LEAST_FACTOR if distance == _DAY else _LEAST_FACTOR_AFTER_A_GAP
    return low >= close * factor or high * factor <= close


def _told(symbol: str, before: date, after: date, days: Mapping[date, Row]) -> str:
    close, opened = days[before][3], days[after][0]
    return (
        f"{symbol}: closed at {close:.6g} on {before} and opened at {opened:.6g} on {after} without a trade between "
        f"(1:{max(close / opened, opened / close):.4g}, a redenomination?); the days before are a series of their own, "
        "and no forecast from one to the other is scored"
    )


def _moves(symbol: str, ordered: Sequence[date], days: Mapping[date, Row]) -> Iterator[str]:
    for day in ordered:
        opened, close = days[day][0], days[day][3]
        if max(close / opened, opened / close) >= _LARGEST_MOVE:
            yield f"{symbol}: went from {opened:.6g} to {close:.6g} within {day}; scored, as it was traded"
