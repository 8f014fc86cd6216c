"""The United Kingdom's matching of one token: the same day, the next 30 days, then the section 104 pool. No I/O.

TCGA 1992 ss. 105 (same day), 106A (30 days) and 104 (pool); HMRC's manual CRYPTO22200 ff. has it for tokens.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from coinsphere.portfolio.lots.pool import share
from coinsphere.portfolio.model import ZERO

SAME_DAY, THIRTY_DAYS, POOL = "same day", "30 days", "section 104"
CONTINUED = "continued"
_DAYS = 30


class Change(NamedTuple):
    """A day's purchases or sales. `money` is the cost of purchases, the proceeds of sales; None is unknown.

    What goes without being sold (`is_sale` is false) leaves the pool with its share of the cost. What goes on as another
    token, or comes from one, is neither sold nor bought: only the pool knows it; `legacy` numbers it.
    """

    on: date
    quantity: Decimal
    money: Decimal | None
    is_in: bool
    is_sale: bool = True
    legacy: int | None = None


class Matched(NamedTuple):
    """A part of a day's sales with its cost by one of the rules; with `legacy`, of units that went on."""

    sold_on: date
    bought_on: date | None
    quantity: Decimal
    cost: Decimal | None
    proceeds: Decimal | None
    rule: str
    legacy: int | None = None


@dataclass(slots=True)
class _Side:
    """What is left of all that a day brought, or sold: of one day they count as one (s. 105 (1) (a))."""

    quantity: Decimal = ZERO
    money: Decimal | None = ZERO

    def add(self, quantity: Decimal, money: Decimal | None) -> None:
        self.quantity += quantity
        self.money = None if self.money is None or money is None else self.money + money

    def take(self, quantity: Decimal) -> Decimal | None:
        """The share of the money that goes with so much."""
        part = None if self.money is None else share(self.money, quantity, self.quantity)
        self.quantity -= quantity
        if self.money is not None and part is not None:
            self.money -= part
        return part


@dataclass(slots=True)
class _Day:
    bought: _Side = field(default_factory=_Side)
    sold: _Side = field(default_factory=_Side)
    gone: Decimal = ZERO
    inherited: _Side = field(default_factory=_Side)
    left: list[tuple[int, Decimal]] = field(default_factory=list)

    def add(self, change: Change) -> None:
        if change.is_in:
            side = self.bought if change.legacy is None else self.inherited
            side.add(change.quantity, change.money)
        elif change.legacy is not None:
            self.left.append((change.legacy, change.quantity))
        elif change.is_sale:
            self.sold.add(change.quantity, change.money)
        else:
            self.gone += change.quantity


def match(changes: Iterable[Change]) -> list[Matched]:
    """Sales and conversions into other tokens by day, each in parts with their cost."""
    by_day: dict[date, _Day] = {}
    for change in changes:
        by_day.setdefault(change.on, _Day()).add(change)
    days = dict(sorted(by_day.items()))
    matches = [*_same_day(days), *_thirty_days(days), *_pooled(days)]
    order = (SAME_DAY, THIRTY_DAYS, POOL, CONTINUED)
    return sorted(
        matches,
        key=lambda part: (part.sold_on, order.index(part.rule), part.bought_on or part.sold_on),
    )


def _same_day(days: dict[date, _Day]) -> Iterator[Matched]:
    for on, day in days.items():
        yield from _pair(on, day.sold, on, day.bought, SAME_DAY)


def _thirty_days(days: dict[date, _Day]) -> Iterator[Matched]:
    """Earlier sales first, each with the earliest of what was bought after it."""
    for on, day in days.items():
        for later in range(1, _DAYS + 1):
            if not day.sold.quantity:
                break
            bought_on = on + timedelta(days=later)
            if bought_on in days:
                yield from _pair(on, day.sold, bought_on, days[bought_on].bought, THIRTY_DAYS)


def _pair(on: date, sold: _Side, bought_on: date, bought: _Side, rule: str) -> Iterator[Matched]:
    quantity = min(sold.quantity, bought.quantity)
    if quantity > 0:
        cost, proceeds = bought.take(quantity), sold.take(quantity)
        yield Matched(on, bought_on, quantity, cost, proceeds, rule)


def _pooled(days: dict[date, _Day]) -> Iterator[Matched]:
    """Match the rest by the pool; a sale of more than the pool holds has no known cost."""
    pool = _Side()
    for on, day in days.items():
        for side in (day.inherited, day.bought):
            if side.quantity:
                pool.add(side.quantity, side.money)
        if covered := min(day.sold.quantity, pool.quantity):
            cost, proceeds = pool.take(covered), day.sold.take(covered)
            yield Matched(on, None, covered, cost, proceeds, POOL)
        if uncovered := day.sold.quantity:
            yield Matched(on, None, uncovered, None, day.sold.take(uncovered), POOL)
        if gone := min(day.gone, pool.quantity):
            pool.take(gone)
        for legacy, quantity in day.left:
            if covered := min(quantity, pool.quantity):
                yield Matched(on, None, covered, pool.take(covered), None, CONTINUED, legacy)
        if not pool.quantity:
            pool = _Side()
