"""Finds closes that contradict their neighbours: a price tenfold away from them needs an explanation.

A real crash is traded all the way: its candle opens where the last one closed, and the next opens where it closed. A
slipped decimal point, another unit or another market's price begins and ends from nowhere.
"""

import math
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import pairwise

RULE = "no_close_is_ten_times_the_last"
"""What the rule is called wherever it sets something aside."""
LARGEST_MOVE = math.log(10)
"""Log return past which a daily close is a slipped decimal point; the greatest real one is Dogecoin's 1.59."""
_SAME_PRICE = math.log(1.5)
"""Log distance of an open from the close before that is the same trading going on."""


@dataclass(frozen=True, slots=True)
class Series:
    """Candles of one token and interval, ascending: `steps` count intervals, prices are positive US dollars."""

    steps: Sequence[int]
    opens: Sequence[float]
    closes: Sequence[float]

    def missing(self, first: int, last: int) -> int:
        """How many intervals between two rows have no candle."""
        return max(self.steps[last] - self.steps[first] - (last - first), 0)

    def jumps(self, one: int, other: int) -> bool:
        """Whether the closes of two rows are too far apart; the tolerance grows with the candles missing between them."""
        before, after = min(one, other), max(one, other)
        move = abs(math.log(self.closes[after] / self.closes[before]))
        return move > LARGEST_MOVE + math.log1p(self.missing(before, after))

    def is_traded_through(self, row: int) -> bool:
        """Whether trading went on into `row` from the one before, and on from it where a next one is known."""
        into = abs(math.log(self.opens[row] / self.closes[row - 1]))
        if self.missing(row - 1, row) or into > _SAME_PRICE:
            return False
        following = row + 1
        if following == len(self.steps) or self.missing(row, following):
            return True
        return abs(math.log(self.opens[following] / self.closes[row])) <= _SAME_PRICE

    def is_linked(self, row: int) -> bool:
        """Whether `row` is plausible beside the one before."""
        return not self.jumps(row - 1, row) or self.is_traded_through(row)


def longest_stretch(series: Series) -> range:
    """The rows of the longest stretch in which each is linked to the one before; of equal ones the first."""
    count = len(series.steps)
    cuts = [0, *(row for row in range(1, count) if not series.is_linked(row)), count]
    return max((range(first, end) for first, end in pairwise(cuts)), key=len)


def strays(series: Series, believed: Sequence[int]) -> list[int]:
    """Rows that contradict their neighbours.

    Args:
        series: not empty.
        believed: rows that are taken for true whatever stands beside them, at least one.

    Returns:
        Row numbers, ascending. Each other row is within ten times, or a tenth, of a level that was believed before it
        (behind it, for those before the first), or was traded through.
    """
    sure = set(believed)
    first, count = min(sure), len(series.steps)
    before = _outward(series, range(first, -1, -1), sure)
    return sorted(before + _outward(series, range(first, count), sure))


def _outward(series: Series, rows: Iterable[int], sure: AbstractSet[int]) -> list[int]:
    """The strays among `rows`, whose first is believed. A believed row that is far from all others is another level."""
    strays: list[int] = []
    levels: list[int] = []
    for row in rows:
        near = next((level for level in levels if not series.jumps(level, row)), None)
        if near is None:
            # Earlier candles may be brought to later ones, too: the history of before a crash.
            beside = (each for each in (row - 1, row + 1) if each in levels)
            near = next((each for each in beside if series.is_traded_through(max(row, each))), None)
        if near is not None:
            levels.remove(near)
        elif row not in sure:
            strays.append(row)
            continue
        levels.append(row)
    return strays
