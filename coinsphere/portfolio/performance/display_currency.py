"""Converts a portfolio into another currency: the past at the rate of each day, the present at the newest rate.

The books stay as they are. Days before the first rate are unknown; a day that the bank does not publish on has the last
rate before, and the answer names that rate's day.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal, localcontext
from typing import NamedTuple

import numpy as np

from coinsphere.portfolio.model import EXACT, UNIT, ZERO
from coinsphere.portfolio.performance.realised_gains import Gain, Realised, RealisedOfDay
from coinsphere.portfolio.performance.stored_days import Point
from coinsphere.portfolio.valuation import daily_growth, daily_series
from coinsphere.portfolio.valuation.current_holdings import Holding
from coinsphere.portfolio.valuation.daily_growth import DayOfReturn, Days
from coinsphere.portfolio.valuation.stored_market import StoredMarket

_NO_GROWTH = Decimal(-1)
_RATE_UNIT = Decimal(1).scaleb(-36)


class Rate(NamedTuple):
    """Units of the shown currency for one of the portfolio's, and the day that the rate is of."""

    factor: Decimal
    day: date


class Converter:
    """Converts from a portfolio's currency to the one that it is shown in."""

    def __init__(self, market: StoredMarket, own: str, shown: str) -> None:
        self._market = market
        self._own = own
        self._shown = shown
        self._known: dict[date, Rate | None] = {}

    def on(self, day: date) -> Rate | None:
        """The rate of a day, or of the last day before that has one; None before the first."""
        if day not in self._known:
            self._known[day] = self._of(day)
        return self._known[day]

    def now(self, today: date) -> Rate | None:
        """The newest rate."""
        ours, theirs = (
            self._market.now_per_dollar(currency, today) for currency in (self._own, self._shown)
        )
        return self._ratio(ours, theirs, today)

    def missing(self, today: date) -> str | None:
        """The currency without a newest rate; None where both have one."""
        for currency in (self._own, self._shown):
            if self._market.now_per_dollar(currency, today) is None:
                return currency
        return None

    def _of(self, day: date) -> Rate | None:
        ours, theirs = (
            self._market.per_dollar(currency, day) for currency in (self._own, self._shown)
        )
        return self._ratio(ours, theirs, day)

    def _ratio(self, ours: Decimal | None, theirs: Decimal | None, day: date) -> Rate | None:
        days = [self._market.rate_day(currency, day) for currency in (self._own, self._shown)]
        if not ours or theirs is None:
            return None
        with localcontext(EXACT):
            factor = (theirs / ours).quantize(_RATE_UNIT)
        return Rate(factor, min((known for known in days if known is not None), default=day))


class History(NamedTuple):
    """Days of a period and the day before it, in the shown currency, with the growth of all days from the first on."""

    before: DayOfReturn | None
    days: Days
    growth: dict[date, Decimal]


def holding(original: Holding, rate: Rate | None, missing: str | None) -> Holding:
    """A holding in the shown currency, at the newest rate; percentages stay. `missing` has no rate."""
    price = _shown(original.row.average_buy_price, rate)
    return original._replace(
        row=original.row._replace(average_buy_price=price),
        current_value=_shown(original.current_value, rate),
        cost_basis=_shown(original.cost_basis, rate),
        profit_loss=_shown(original.profit_loss, rate),
        change_24h=_shown(original.change_24h, rate),
        missing_rate=missing,
    )


def history(
    all_days: Days, converter: Converter, first: date, *, is_known: bool, is_priced: bool = True
) -> History:
    """Days from the portfolio's first on, converted and chained anew; what lies before `first` is not of the period.

    Args:
        all_days: those that have a value in the portfolio's own currency.
        converter: into the shown one.
        first: the period's first day.
        is_known: whether all days of the period have a value in the portfolio's own currency.
        is_priced: whether anything that was held in the period has a price.
    """
    with localcontext(EXACT):
        days = list(all_days)
        shown = list(_converted(days, converter))
    converted_days = {day.day for day in shown}
    is_known = is_known and all(day.day < first or day.day in converted_days for day in days)
    before = next((day for day in reversed(shown) if day.day < first), None)
    of_period = [day for day in shown if day.day >= first]
    grown = {day.day: day.growth for day in shown if day.growth is not None}
    converted = in_columns(of_period, is_known=is_known, is_priced=is_priced)
    return History(before, converted, grown)


def _converted(days: Iterable[DayOfReturn], converter: Converter) -> Iterator[DayOfReturn]:
    """The days that have a value and a rate, in the shown currency; growth is chained from the first on."""
    growth: Decimal | None = Decimal(1)
    previous = ZERO
    for day in days:
        rate = converter.on(day.day)
        if rate is None or day.value is None or day.inflow is None or day.outflow is None:
            continue
        value, inflow, outflow = (
            (amount * rate.factor).quantize(UNIT) for amount in (day.value, day.inflow, day.outflow)
        )
        if growth is not None:
            growth = daily_growth.grown(growth, previous, value, inflow, outflow)
        previous = value
        yield DayOfReturn(day.day, value, inflow, outflow, growth)


def point(point: Point, converter: Converter, grown: dict[date, Decimal]) -> Point:
    """A day of a chart in the shown currency; None where that has no rate yet."""
    rate = converter.on(point.day)
    return point._replace(
        value=_shown(point.value, rate), cost=_shown(point.cost, rate), growth=grown.get(point.day)
    )


def gain(gain: Gain, converter: Converter) -> Gain:
    """A realised gain at the rate of its day."""
    rate = converter.on(gain.used_at.date())
    return replace(gain, cost=_shown(gain.cost, rate), proceeds=_shown(gain.proceeds, rate))


def realised(of_days: Sequence[RealisedOfDay], converter: Converter) -> Realised:
    """The sum of realised gains, each at the rate of its day, and how many are unknown; those without a rate are."""
    total, unknown = Decimal(0), 0
    with localcontext(EXACT):
        for realised_day in of_days:
            rate = converter.on(realised_day.day)
            unknown += (
                realised_day.unknown
                if rate is not None
                else realised_day.unknown + realised_day.known
            )
            total += (realised_day.gain * rate.factor).quantize(UNIT) if rate is not None else 0
    return Realised(total, unknown)


def _shown(amount: Decimal | None, rate: Rate | None) -> Decimal | None:
    if amount is None or rate is None:
        return None
    with localcontext(EXACT):
        return (amount * rate.factor).quantize(UNIT)


def in_columns(shown: Sequence[DayOfReturn], *, is_known: bool, is_priced: bool) -> Days:
    """Days that have a value as `Days` keeps them."""
    ordinals = np.array([day.day.toordinal() for day in shown], dtype=np.int64)
    columns = [
        np.array(
            [daily_series.units(_NO_GROWTH if amount is None else amount) for amount in column],
            dtype=object,
        )
        for column in list(zip(*(day[1:] for day in shown), strict=True)) or [()] * 4
    ]
    return Days(ordinals, columns, is_known=is_known, is_priced=is_priced)
