"""Days of a portfolio as known at a past instant, in the shapes of the stored ones. No I/O."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal, localcontext

from coinsphere.portfolio.model import EXACT, ZERO, LotUse, Use
from coinsphere.portfolio.performance import display_currency
from coinsphere.portfolio.performance.period import Period
from coinsphere.portfolio.performance.realised_gains import Realised, RealisedOfDay
from coinsphere.portfolio.performance.stored_days import MAX_POINTS, Point
from coinsphere.portfolio.valuation.daily_growth import DayOfReturn, Days
from coinsphere.portfolio.valuation.daily_values import ValueOfDay

_REALISING = (Use.SALE, Use.SWAP, Use.FEE, Use.LOST)


class KnownDays:
    """The days of a portfolio that was computed as of a moment.

    Args:
        days: all of them, in order.
        uses: what the portfolio used of lots.
    """

    def __init__(self, days: Sequence[ValueOfDay], uses: Sequence[LotUse]) -> None:
        self._days = days
        self._uses = uses

    @property
    def first_day(self) -> date | None:
        """The portfolio's first day; None where it has none yet."""
        return self._days[0].day if self._days else None

    def days(self, period: Period) -> tuple[DayOfReturn | None, Days]:
        """The day before the period, None where the portfolio began later, and the days of the period."""
        earlier = (day for day in reversed(self._days) if day.day < period.first)
        before = next(map(_of_return, earlier), None)
        inside = self._inside(period)
        of_return = [_of_return(day) for day in inside if day.value is not None]
        is_priced = any(day.priced for day in inside) or not any(day.unpriced for day in inside)
        is_known = len(of_return) == len(inside)
        columns = display_currency.in_columns(of_return, is_known=is_known, is_priced=is_priced)
        return before, columns

    def points(self, period: Period, most: int = MAX_POINTS - 2) -> list[Point]:
        """At most `most` + 1 days of the period at even distances, its first and its last among them."""
        inside = self._inside(period)
        step = max(-(-len(inside) // most), 1)
        last = len(inside) - 1
        return [
            _point(day)
            for place, day in enumerate(inside)
            if (last - place) % step == 0 or place == 0
        ]

    def realised(self, period: Period) -> Realised:
        """The sum of the realised gains."""
        by_day = self.realised_by_day(period)
        with localcontext(EXACT):
            gain = sum((each.gain for each in by_day), ZERO)
        return Realised(gain, sum(each.unknown for each in by_day))

    def realised_by_day(self, period: Period) -> list[RealisedOfDay]:
        """What uses of lots brought above their cost, on each day of the period that has any."""
        gains: dict[date, list[Decimal | None]] = defaultdict(list)
        for use in self._uses:
            if use.kind in _REALISING and period.first <= use.used_at.date() <= period.last:
                gains[use.used_at.date()].append(_gain(use))
        with localcontext(EXACT):
            return [_realised(day, gains[day]) for day in sorted(gains)]

    def _inside(self, period: Period) -> list[ValueOfDay]:
        return [day for day in self._days if period.first <= day.day <= period.last]


def _realised(day: date, gains: Sequence[Decimal | None]) -> RealisedOfDay:
    known = [gain for gain in gains if gain is not None]
    return RealisedOfDay(day, sum(known, ZERO), len(known), len(gains) - len(known))


def _gain(use: LotUse) -> Decimal | None:
    return None if use.proceeds is None or use.cost is None else use.proceeds - use.cost


def _of_return(day: ValueOfDay) -> DayOfReturn:
    return DayOfReturn(day.day, day.value, day.inflow, day.outflow, day.growth)


def _point(day: ValueOfDay) -> Point:
    is_unpriced = day.unpriced > 0 and day.priced == 0
    return Point(
        day.day, None if is_unpriced else day.value, day.cost, day.growth, day.filled, day.unpriced,
        day.priced,
    )  # fmt: skip
