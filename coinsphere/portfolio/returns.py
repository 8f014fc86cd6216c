"""Returns of a period: time-weighted, money-weighted and simple, each with what it was made of. No I/O.

A return that is not defined is None with the reason; it is never zero for want of data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from typing import NamedTuple, overload

import numpy as np
import pyxirr

from coinsphere.portfolio import series
from coinsphere.portfolio.model import EXACT, UNIT, ZERO
from coinsphere.portfolio.series import Units

_RATE = Decimal(1).scaleb(-12)
_EPOCH = date(1970, 1, 1).toordinal()
_LEAST_DAYS = 2
"""A day's move taken to the power of 365 says nothing about a year."""


class DayOfReturn(NamedTuple):
    """What a return needs of a day; None where the portfolio's currency had no rate yet."""

    day: date
    value: Decimal | None
    inflow: Decimal | None
    outflow: Decimal | None
    growth: Decimal | None


class Days(Sequence[DayOfReturn]):
    """Days in order, kept as arrays: those of twelve years are added up in a millisecond.

    Args:
        ordinals: the days.
        values: values, inflows, outflows and growths, in this order, in units of 10^-18.
        is_known: False where the currency has no rate on one of them; then the numbers of that day mean nothing.
    """

    def __init__(self, ordinals: series.Days, values: Sequence[Units], *, is_known: bool) -> None:
        self.ordinals = ordinals
        self.values, self.inflows, self.outflows, self.growths = values
        self.is_known = is_known

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
            return Days(self.ordinals[place], cut, is_known=self.is_known)
        numbers = (series.decimal(column[place]) for column in columns)
        return DayOfReturn(date.fromordinal(int(self.ordinals[place])), *numbers)


class CashFlow(NamedTuple):
    """Money put in (negative) or taken out (positive) on a day; the value at the start is put in, at the end taken out."""

    day: date
    amount: Decimal


class SubPeriod(NamedTuple):
    """A day of a time-weighted return: what was invested, what became of it."""

    day: date
    invested: Decimal
    result: Decimal
    rate: Decimal | None


@dataclass(frozen=True, slots=True)
class Return:
    """A rate of return as a fraction, or the reason why there is none."""

    rate: Decimal | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Returns:
    """The three returns of a period, and the sums that they come from, in the portfolio's currency."""

    first_day: date
    last_day: date
    start_value: Decimal
    end_value: Decimal
    inflow: Decimal
    outflow: Decimal
    gain: Decimal
    time_weighted: Return
    money_weighted: Return
    simple: Return


NO_HISTORY = "nothing was held in this period"
NO_RATE = "the portfolio's currency has no exchange rate on the first day of this period"
NO_MONEY = "no money was invested in this period"
TOO_SHORT = "a yearly rate needs a period of two days at least"
NO_SOLUTION = "no yearly rate explains these cash flows"


def over(before: DayOfReturn | None, days: Days) -> Returns | None:
    """The returns of the period of `days`, all days in order.

    Args:
        before: the day before the period; None where the portfolio began with the first of `days`.
        days: the days of the period.

    Returns:
        None where there are no days, or the currency has no rate on one of them.
    """
    if not days or not days.is_known:
        return None
    first, last = days[0], days[-1]
    start = ZERO if before is None or before.value is None else before.value
    end = last.value or ZERO
    inflow, outflow = (series.decimal(sum(column)) for column in (days.inflows, days.outflows))
    with localcontext(EXACT):
        gain = end + outflow - start - inflow
        return Returns(
            first.day, last.day, start, end, inflow, outflow, gain,
            _time_weighted(before, last, inflow), _money_weighted(*_flows(before, days)), _simple(gain, start + inflow),
        )  # fmt: skip


def cash_flows(before: DayOfReturn | None, days: Days) -> list[CashFlow]:
    """What was put in and taken out, with the value at both ends; of each day the net.

    As in the days' returns, money comes in before the day's move, which is at the end of the day before.
    """
    ordinals, amounts = _flows(before, days)
    return [
        CashFlow(date.fromordinal(int(day)), series.decimal(amount))
        for day, amount in zip(ordinals, amounts, strict=True)
    ]


def _flows(before: DayOfReturn | None, days: Days) -> tuple[series.Days, Units]:
    first, last = int(days.ordinals[0]) - 1, int(days.ordinals[-1])
    net = np.full(last - first + 1, 0, dtype=object)
    at = days.ordinals - first
    net[at - 1] -= days.inflows
    net[at] += days.outflows
    net[-1] += days.values[-1]
    if before is not None and before.value is not None:
        net[0] -= series.units(before.value)
    flowing = np.flatnonzero(net)
    return flowing + first, net[flowing]


def _time_weighted(before: DayOfReturn | None, last: DayOfReturn, inflow: Decimal) -> Return:
    """What one unit of money, put in at the start and left alone, has become: it does not ask when money came."""
    if inflow <= 0 and not (before is not None and before.value):
        return Return(None, NO_MONEY)
    start = before.growth if before is not None and before.growth is not None else Decimal(1)
    if not start:
        return Return(None, "everything had been lost before this period")
    assert last.growth is not None
    return Return((last.growth / start - 1).quantize(_RATE))


def _money_weighted(ordinals: series.Days, amounts: Units) -> Return:
    """The yearly rate at which the flows are worth nothing at the start: it depends on when money came (XIRR)."""
    if not (amounts < 0).any():
        return Return(None, NO_MONEY)
    if not (amounts > 0).any():
        # All was lost: no rate above -100 % explains it.
        return Return(Decimal(-1))
    if ordinals[-1] - ordinals[0] < _LEAST_DAYS:
        return Return(None, TOO_SHORT)
    dates = (ordinals - _EPOCH).astype("datetime64[D]")
    rate = pyxirr.xirr(dates, (amounts / 10**series.PLACES).astype(float), silent=True)
    if rate is None:
        return Return(None, NO_SOLUTION)
    return Return(Decimal(repr(rate)).quantize(_RATE, context=EXACT))


def sub_periods(before: DayOfReturn | None, days: Days) -> list[SubPeriod]:
    """The days that a time-weighted return is chained of."""
    previous = before.value if before is not None and before.value is not None else ZERO
    made = []
    with localcontext(EXACT):
        for day in days:
            invested = previous + (day.inflow or ZERO)
            result = (day.value or ZERO) + (day.outflow or ZERO)
            rate = (result / invested - 1).quantize(_RATE) if invested > 0 else None
            made.append(SubPeriod(day.day, invested, result, rate))
            previous = day.value or ZERO
    return made


def _simple(gain: Decimal, invested: Decimal) -> Return:
    """The gain over all money that was ever in: what it was worth at the start and what came."""
    if invested <= 0:
        return Return(None, NO_MONEY)
    return Return((gain / invested).quantize(_RATE))


def percent(fraction: Decimal | None) -> Decimal | None:
    """A fraction as a percentage."""
    return None if fraction is None else (fraction * 100).quantize(UNIT, context=EXACT)
