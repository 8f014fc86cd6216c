"""Value, flows and growth of a portfolio on each of its days. No I/O."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal, localcontext
from typing import NamedTuple, overload

from coinsphere.portfolio.model import EXACT, UNIT
from coinsphere.portfolio.valuation import daily_series
from coinsphere.portfolio.valuation.daily_series import Units

MAX_RATE = Decimal(10) ** 10
"""Above it a rate is of something that had next to no value, and says nothing: Bitcoin since its first price is at 10^8."""


class DayOfReturn(NamedTuple):
    """The figures of a day that returns need; None where the portfolio's currency had no rate yet."""

    day: date
    value: Decimal | None
    inflow: Decimal | None
    outflow: Decimal | None
    growth: Decimal | None


class Days(Sequence[DayOfReturn]):
    """Days in order, kept as arrays: those of twelve years are added up in a millisecond.

    Args:
        ordinals: the days.
        values: values, inflows, outflows and growths, in this order, in units of 10^-18; a growth below zero is none.
        is_known: False where the currency has no rate on another day of the period.
        is_priced: False where nothing that was held has a price on any of them.
    """

    def __init__(
        self,
        ordinals: daily_series.Days,
        values: Sequence[Units],
        *,
        is_known: bool,
        is_priced: bool = True,
    ) -> None:
        self.ordinals = ordinals
        self.values, self.inflows, self.outflows, self.growths = values
        self.is_known = is_known
        self.is_priced = is_priced

    def __len__(self) -> int:
        return len(self.ordinals)

    @overload
    def __getitem__(self, place: int) -> DayOfReturn: ...

    @overload
    def __getitem__(self, place: slice) -> "Days": ...

    def __getitem__(self, place: int | slice) -> "DayOfReturn | Days":
        columns = (self.values, self.inflows, self.outflows, self.growths)
        if isinstance(place, slice):
            cut = [column[place] for column in columns]
            return Days(self.ordinals[place], cut, is_known=self.is_known, is_priced=self.is_priced)
        value, inflow, outflow, growth = (daily_series.decimal(column[place]) for column in columns)
        day = date.fromordinal(int(self.ordinals[place]))
        return DayOfReturn(day, value, inflow, outflow, growth if growth >= 0 else None)


def grown(
    growth: Decimal, previous: Decimal, value: Decimal, inflow: Decimal, outflow: Decimal
) -> Decimal | None:
    """The growth after a day: money comes in before the day's move, and goes out after it.

    So a day with a purchase has no denominator of zero, and one without anything invested changes nothing. None where
    it is out of range. Use it with the context `EXACT`.
    """
    invested = previous + inflow
    if invested <= 0:
        return growth
    became = (growth * (value + outflow) / invested).quantize(UNIT)
    return became if became <= MAX_RATE else None


def percent(fraction: Decimal | None) -> Decimal | None:
    """A fraction as a percentage."""
    return None if fraction is None else (fraction * 100).quantize(UNIT, context=EXACT)


def percentage(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    """`part` in percent of `whole`; None where one is unknown, `whole` is zero, or the result is out of range."""
    if part is None or whole is None or whole <= 0:
        return None
    with localcontext(EXACT):
        share = part / whole
        return percent(share) if abs(share) <= MAX_RATE else None
