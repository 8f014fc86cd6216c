"""Returns of a period: time-weighted, money-weighted and simple, each with what it was made of. No I/O.

A return that is not defined is None with the reason; it is never zero for want of data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import NamedTuple

import pyxirr

from coinsphere.portfolio.model import EXACT, UNIT, ZERO

_RATE = Decimal(1).scaleb(-12)
_LEAST_DAYS = 2
"""A day's move taken to the power of 365 says nothing about a year."""


class DayOfReturn(NamedTuple):
    """What a return needs of a day; None where the portfolio's currency had no rate yet."""

    day: date
    value: Decimal | None
    inflow: Decimal | None
    outflow: Decimal | None
    growth: Decimal | None


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


def over(before: DayOfReturn | None, days: Sequence[DayOfReturn]) -> Returns | None:
    """The returns of the period of `days`, all days in order.

    Args:
        before: the day before the period; None where the portfolio began with the first of `days`.
        days: the days of the period.

    Returns:
        None where there are no days, or the currency has no rate on one of them.
    """
    usable = [day for day in days if day.value is not None]
    if not usable or len(usable) != len(days):
        return None
    with localcontext(EXACT):
        start = before.value if before is not None and before.value is not None else ZERO
        end = usable[-1].value or ZERO
        inflow = sum((day.inflow or ZERO for day in usable), ZERO)
        outflow = sum((day.outflow or ZERO for day in usable), ZERO)
        gain = end + outflow - start - inflow
        return Returns(
            usable[0].day, usable[-1].day, start, end, inflow, outflow, gain,
            time_weighted(before, usable), money_weighted(cash_flows(before, usable)), _simple(gain, start + inflow),
        )  # fmt: skip


def time_weighted(before: DayOfReturn | None, days: Sequence[DayOfReturn]) -> Return:
    """What one unit of money, put in at the start and left alone, has become: it does not ask when money came."""
    invested = any((day.inflow or ZERO) > 0 for day in days)
    if not invested and not (before is not None and before.value):
        return Return(None, NO_MONEY)
    start = before.growth if before is not None and before.growth is not None else Decimal(1)
    end = days[-1].growth
    if end is None:
        return Return(None, NO_RATE)
    if not start:
        return Return(None, "everything had been lost before this period")
    with localcontext(EXACT):
        return Return((end / start - 1).quantize(_RATE))


def cash_flows(before: DayOfReturn | None, days: Sequence[DayOfReturn]) -> list[CashFlow]:
    """What was put in and taken out, with the value at both ends; of each day the net.

    As in the days' returns, money comes in before the day's move, which is at the end of the day before.
    """
    if not days:
        return []
    flows: dict[date, Decimal] = {}
    if before is not None and before.value:
        flows[before.day] = -before.value
    for day in days:
        start = day.day - timedelta(days=1)
        flows[start] = flows.get(start, ZERO) - (day.inflow or ZERO)
        flows[day.day] = flows.get(day.day, ZERO) + (day.outflow or ZERO)
    last = days[-1]
    if last.value:
        flows[last.day] = flows.get(last.day, ZERO) + last.value
    return [CashFlow(day, amount) for day, amount in sorted(flows.items()) if amount]


def money_weighted(flows: Sequence[CashFlow]) -> Return:
    """The yearly rate at which the flows are worth nothing at the start: it depends on when money came (XIRR)."""
    if not any(flow.amount < 0 for flow in flows):
        return Return(None, NO_MONEY)
    if not any(flow.amount > 0 for flow in flows):
        # All was lost: no rate above -100 % explains it.
        return Return(Decimal(-1))
    if (flows[-1].day - flows[0].day).days < _LEAST_DAYS:
        return Return(None, TOO_SHORT)
    rate = pyxirr.xirr(
        [flow.day for flow in flows], [float(flow.amount) for flow in flows], silent=True
    )
    if rate is None:
        return Return(None, NO_SOLUTION)
    return Return(Decimal(repr(rate)).quantize(_RATE, context=EXACT))


def sub_periods(before: DayOfReturn | None, days: Sequence[DayOfReturn]) -> list[SubPeriod]:
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
