"""Exact numbers by day, thousands at a time: arrays of whole units of 10^-18 and of days as ordinals. No I/O."""

from datetime import date
from decimal import Decimal
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from coinsphere.portfolio.model import EXACT

Days = npt.NDArray[np.int64]
"""Days as `date.toordinal` counts them."""
Units = npt.NDArray[np.object_]
"""Python's integers, which have no largest: numbers in units of 10^-18, or of 10^-36 where two were multiplied."""

PLACES = 18
_POINT = str.maketrans("", "", ".")


def by_day(days: str, *columns: str) -> tuple[Days, list[Units]]:
    """Parses texts to days and numbers, in the order of the days.

    Args:
        days: ordinals, in any order.
        columns: numbers in the order of `days`, with all their 18 digits after the point, as numeric(…, 18) is written.
    """
    ordinals = np.array(list(map(int, days.split())), dtype=np.int64)
    order = ordinals.argsort()
    return ordinals[order], [_units(column)[order] for column in columns]


def _units(text: str) -> Units:
    return np.array(list(map(int, text.translate(_POINT).split())), dtype=object)


def decimal(number: int, places: int = PLACES) -> Decimal:
    """The decimal of so many units of 10^-places."""
    return EXACT.scaleb(Decimal(number), -places)


def units(number: Decimal) -> int:
    """The units of 10^-18 in a number that has no more digits after the point."""
    return int(EXACT.scaleb(number, PLACES))


class Series(NamedTuple):
    """Values by day, ascending; a day without one has that of the last day before it."""

    days: Days
    values: Units

    @classmethod
    def read(cls, days: str, values: str) -> Self:
        """From texts, as `by_day` takes them."""
        ordinals, columns = by_day(days, values)
        return cls(ordinals, columns[0])

    def on(self, day: date) -> Decimal | None:
        """The value of `day`, or the last before it; None where there is none."""
        place = int(self.days.searchsorted(day.toordinal(), "right"))
        return decimal(self.values[place - 1]) if place else None

    def day_on(self, day: date) -> date | None:
        """The day of the value that `on` returns."""
        place = int(self.days.searchsorted(day.toordinal(), "right"))
        return date.fromordinal(int(self.days[place - 1])) if place else None

    def between(self, first: date, last: date) -> list[tuple[date, Decimal]]:
        """The days from `first` to `last` that have a value of their own, with it."""
        start = int(self.days.searchsorted(first.toordinal(), "left"))
        end = int(self.days.searchsorted(last.toordinal(), "right"))
        return [
            (date.fromordinal(int(day)), decimal(value))
            for day, value in zip(self.days[start:end], self.values[start:end], strict=True)
        ]

    def followed_by(self, later: "Series") -> "Series":
        """Both series joined, where all of `later` comes after."""
        days = np.concatenate([self.days, later.days])
        return Series(days, np.concatenate([self.values, later.values]))


EMPTY = Series(np.array([], dtype=np.int64), np.array([], dtype=object))
