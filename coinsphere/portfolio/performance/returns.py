"""Returns of a period: time-weighted, money-weighted and simple, each with the figures it is computed from. No I/O.

A return that is not defined is None with the reason; it is never zero for want of data.
"""

import math
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from typing import NamedTuple

import numpy as np

from coinsphere.i18n import N_
from coinsphere.portfolio.model import EXACT, ZERO
from coinsphere.portfolio.performance import internal_rate
from coinsphere.portfolio.valuation import daily_series
from coinsphere.portfolio.valuation.daily_growth import MAX_RATE, DayOfReturn, Days, grown
from coinsphere.portfolio.valuation.daily_series import Units

_RATE = Decimal(1).scaleb(-12)
_YEAR = 365
_FAR = 700.0
"""The logarithm of a growth that is out of range, and no overflow."""
_LITTLE = Decimal(1).scaleb(-6)
"""Growth that is kept with 18 digits has too few of them below."""


class CashFlow(NamedTuple):
    """Money put in (negative) or taken out (positive) on a day; the value at the start is put in, at the end taken out."""

    day: date
    amount: Decimal


class SubPeriod(NamedTuple):
    """A day of a time-weighted return: the invested value, and what became of it."""

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
    money_weighted_of_period: Return
    simple: Return


NO_HISTORY = N_("nothing was held on a closed day of this period")
NO_RATE = N_("the portfolio's currency has no exchange rate on the first day of this period")
NO_PRICE = N_("nothing that was held in this period has a price")
NO_MONEY = N_("no money was invested in this period")
TOO_SHORT = N_("a yearly rate needs a year at least: money was in for less")
NO_SOLUTION = N_("no rate explains these cash flows")
NOT_UNIQUE = N_("several rates explain these cash flows")
AGAINST_GAIN = N_("the only rate that explains these cash flows contradicts the gain")
OUT_OF_RANGE = N_("the rate is out of range: it is of something that had next to no value")


def over(before: DayOfReturn | None, days: Days) -> Returns | None:
    """The returns of the period of `days`, all days in order.

    Args:
        before: the day before the period; None where the portfolio began with the first of `days`.
        days: the days of the period.

    Returns:
        None where there are no days, or their values are not known: `why`.
    """
    if not days or not days.is_known or not days.is_priced:
        return None
    first, last = days[0], days[-1]
    start = ZERO if before is None or before.value is None else before.value
    end = last.value or ZERO
    inflow, outflow = (
        daily_series.decimal(sum(column)) for column in (days.inflows, days.outflows)
    )
    with localcontext(EXACT):
        gain = end + outflow - start - inflow
        of_period, of_year = _money_weighted(*_flows(before, days))
        return Returns(
            first.day, last.day, start, end, inflow, outflow, gain,
            _time_weighted(before, days), of_year, of_period, _simple(gain, start + inflow),
        )  # fmt: skip


def why(days: Days) -> str:
    """The reason why a period has no returns."""
    if not days.is_known:
        return NO_RATE
    return NO_HISTORY if days.is_priced else NO_PRICE


def cash_flows(before: DayOfReturn | None, days: Days) -> list[CashFlow]:
    """The net cash flow of each day, with the value at both ends.

    As in the days' returns, money comes in before the day's move, which is at the end of the day before.
    """
    if not days:
        return []
    ordinals, amounts = _flows(before, days)
    return [
        CashFlow(date.fromordinal(int(day)), daily_series.decimal(amount))
        for day, amount in zip(ordinals, amounts, strict=True)
    ]


def net_contributions(before: DayOfReturn | None, days: Days) -> dict[date, Decimal]:
    """What had been put in, less what had been taken out, by the end of each day; the value at the start counts as put in."""
    start = ZERO if before is None or before.value is None else before.value
    sums = np.cumsum(days.inflows - days.outflows) + daily_series.units(start)
    return {
        date.fromordinal(int(day)): daily_series.decimal(total)
        for day, total in zip(days.ordinals, sums, strict=True)
    }


def _flows(before: DayOfReturn | None, days: Days) -> tuple[daily_series.Days, Units]:
    first, last = int(days.ordinals[0]) - 1, int(days.ordinals[-1])
    net = np.full(last - first + 1, 0, dtype=object)
    at = days.ordinals - first
    net[at - 1] -= days.inflows
    net[at] += days.outflows
    net[-1] += days.values[-1]
    if before is not None and before.value is not None:
        net[0] -= daily_series.units(before.value)
    flowing = np.flatnonzero(net)
    return flowing + first, net[flowing]


def _time_weighted(before: DayOfReturn | None, days: Days) -> Return:
    """The growth of one unit of money from the start on, whenever money came or went."""
    if not any(days.inflows) and not (before is not None and before.value):
        return Return(None, NO_MONEY)
    start = before.growth if before is not None and before.growth is not None else Decimal(1)
    last = days[-1].growth
    # Of what was lost, or left all bounds before this period, too little is left to compare with: it begins anew.
    is_broken = before is not None and before.value is not None and before.growth is None
    if start < _LITTLE or last is None or is_broken:
        start, last = Decimal(1), _chained(before, days)
    return Return(None, OUT_OF_RANGE) if last is None else within(last / start - 1)


def _chained(before: DayOfReturn | None, days: Days) -> Decimal | None:
    """What one unit of money became from the start of the period on."""
    growth, previous = Decimal(1), ZERO if before is None else before.value or ZERO
    for day in days:
        value, inflow, outflow = (each or ZERO for each in day[1:4])
        became = grown(growth, previous, value, inflow, outflow)
        if became is None:
            return None
        growth, previous = became, value
    return growth


def _money_weighted(ordinals: daily_series.Days, amounts: Units) -> tuple[Return, Return]:
    """The internal rates of return of the period and of a year (XIRR).

    They depend on when money came.
    """
    of_period = _of_period(ordinals, amounts)
    if of_period.rate is None:
        return of_period, of_period
    span = int(ordinals[-1] - ordinals[0])
    if span < _YEAR:
        return of_period, Return(None, TOO_SHORT)
    yearly = float(1 + of_period.rate) ** (_YEAR / span) - 1
    return of_period, within(Decimal(yearly))


def _of_period(ordinals: daily_series.Days, amounts: Units) -> Return:
    if not (amounts < 0).any():
        return Return(None, NO_MONEY)
    if not (amounts > 0).any():
        # All was lost: no rate above -100 % explains it.
        return Return(Decimal(-1))
    years = (ordinals - ordinals[0]) / (ordinals[-1] - ordinals[0])
    rates = internal_rate.find(years, (amounts / int(abs(amounts).max())).astype(float))
    if not rates:
        # Where the first and the last flow have different signs there is a rate, however far away.
        return Return(None, OUT_OF_RANGE if amounts[0] < 0 < amounts[-1] else NO_SOLUTION)
    if len(rates) > 1:
        return Return(None, NOT_UNIQUE)
    if rates[0] * float(np.sign(amounts.sum())) < -internal_rate.ROUNDING:
        return Return(None, AGAINST_GAIN)
    return within(Decimal(math.expm1(min(rates[0], _FAR))))


def sub_periods(before: DayOfReturn | None, days: Days) -> list[SubPeriod]:
    """The days that a time-weighted return chains."""
    previous = before.value if before is not None and before.value is not None else ZERO
    periods = []
    with localcontext(EXACT):
        for day in days:
            invested = previous + (day.inflow or ZERO)
            result = (day.value or ZERO) + (day.outflow or ZERO)
            rate = within(result / invested - 1).rate if invested > 0 else None
            periods.append(SubPeriod(day.day, invested, result, rate))
            previous = day.value or ZERO
    return periods


def _simple(gain: Decimal, invested: Decimal) -> Return:
    """The gain as a share of all money that was ever in: the start value and the inflows."""
    if invested <= 0:
        return Return(None, NO_MONEY)
    return within(gain / invested)


def within(rate: Decimal) -> Return:
    """A rate as a fraction, or none where it is out of range."""
    rounded = rate.quantize(_RATE, context=EXACT) if abs(rate) <= MAX_RATE else None
    return Return(rounded, OUT_OF_RANGE if rounded is None else None)
