"""The worth of all assets of a portfolio on each day of a span: exact sums over arrays. No I/O.

An asset counts, in values and in flows alike, from its first price on: on that day what was held before comes in at
that price.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from coinsphere.portfolio.valuation.daily_series import PLACES, Days, Series, Units, decimal


class PositionSeries(NamedTuple):
    """The positions of an asset: the holding from each day until the next; `costs` are of all but `uncosted` units."""

    days: Days
    amounts: Units
    costs: Units
    uncosted: Units

    def amount_on(self, day: int) -> int:
        """Units held at the end of a day."""
        place = int(self.days.searchsorted(day, "right"))
        return int(self.amounts[place - 1]) if place else 0


class FlowSeries(NamedTuple):
    """The external flows of an asset by day, as in `model.Flow`; `swapped` is swaps in less swaps out."""

    days: Days
    money_in: Units
    money_out: Units
    amounts_in: Units
    amounts_out: Units
    swapped: Units


class DayTotals(NamedTuple):
    """A day of all assets: values and `amount_*` in US dollars, costs and `money_*` in the portfolio's currency."""

    day: date
    value: Decimal
    cost: Decimal
    uncosted: int
    priced: int
    filled: int
    unpriced: int
    money_in: Decimal
    money_out: Decimal
    amount_in: Decimal
    amount_out: Decimal


class DailyTotals:
    """Adds up assets over the days from `first` to `last`."""

    def __init__(self, first: date, last: date) -> None:
        self._first = first.toordinal()
        self._days = np.arange(self._first, last.toordinal() + 1)
        self._value, self._cost, self._swapped = self._zeros(), self._zeros(), self._zeros()
        self._money_in, self._money_out = self._zeros(), self._zeros()
        self._amount_in, self._amount_out = self._zeros(), self._zeros()
        self._uncosted, self._priced, self._filled, self._unpriced = (
            np.zeros(len(self._days), dtype=np.int64) for _ in range(4)
        )

    def add(
        self, closes: Series, positions: PositionSeries | None, crossed: FlowSeries | None
    ) -> None:
        """Add an asset.

        Args:
            closes: its closes of the span, beginning with the last one before the span where there is one.
            positions: its positions, beginning with the one of the day before the span.
            crossed: its flows of the span.
        """
        close_of = closes.days.searchsorted(self._days, "right") - 1
        if positions is not None:
            self._add_held(closes, close_of, positions)
            self._add_begun(closes, positions)
        if crossed is not None:
            self._add_crossed(closes, close_of, crossed)

    def days(self) -> Iterator[DayTotals]:
        """The sums of each day, in order."""
        zero = self._zeros()
        money_in = self._money_in + np.maximum(self._swapped, zero)
        money_out = self._money_out + np.maximum(-self._swapped, zero)
        counts = (self._uncosted, self._priced, self._filled, self._unpriced)
        return map(
            DayTotals,
            map(date.fromordinal, self._days.tolist()),
            _decimals(self._value, 2 * PLACES),
            _decimals(self._cost),
            *(column.tolist() for column in counts),
            _decimals(money_in),
            _decimals(money_out),
            _decimals(self._amount_in, 2 * PLACES),
            _decimals(self._amount_out, 2 * PLACES),
        )

    def _add_held(self, closes: Series, close_of: Days, positions: PositionSeries) -> None:
        position_of = positions.days.searchsorted(self._days, "right") - 1
        at = np.flatnonzero(position_of >= 0)
        at = at[positions.amounts[position_of[at]] > 0]
        self._cost[at] += positions.costs[position_of[at]]
        self._uncosted[at] += positions.uncosted[position_of[at]] > 0
        self._unpriced[at] += close_of[at] < 0
        at = at[close_of[at] >= 0]
        self._priced[at] += 1
        self._filled[at] += closes.days[close_of[at]] < self._days[at]
        self._value[at] += positions.amounts[position_of[at]] * closes.values[close_of[at]]

    def _add_begun(self, closes: Series, positions: PositionSeries) -> None:
        """Where the first price lies in the span: what was held on the day before."""
        if not len(closes.days) or not self._days[0] <= closes.days[0] <= self._days[-1]:
            return
        begins = int(closes.days[0])
        amount = positions.amount_on(begins - 1)
        self._amount_in[begins - self._first] += amount * closes.values[0]

    def _add_crossed(self, closes: Series, close_of: Days, crossed: FlowSeries) -> None:
        day = crossed.days - self._first
        counts = close_of[day] >= 0
        at = day[counts]
        self._money_in[at] += crossed.money_in[counts]
        self._money_out[at] += crossed.money_out[counts]
        self._swapped[at] += crossed.swapped[counts]
        close = closes.values[close_of[at]]
        self._amount_in[at] += crossed.amounts_in[counts] * close
        self._amount_out[at] += crossed.amounts_out[counts] * close

    def _zeros(self) -> Units:
        return np.full(len(self._days), 0, dtype=object)


def _decimals(column: Units, places: int = PLACES) -> Iterator[Decimal]:
    return (decimal(number, places) for number in column)
