"""Lots of one token in one pool, and which of them a sale uses.

A lot is never negative, and its cost is conserved to the last digit: a part takes its share rounded to 18 digits, and
the rest stays with the lot.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from coinsphere.portfolio.model import UNIT, ZERO, LotMethod


@dataclass(slots=True)
class OpenLot:
    """The rest of a lot; `cost` is None where it is unknown.

    `unit_cost` is that of the whole lot when it came in: what is left of it may differ in the 18th digit, and a
    rebuild from the middle must choose as one from the start does.
    """

    number: int
    acquired_at: datetime
    quantity: Decimal
    cost: Decimal | None
    unit_cost: Decimal | None = None


class Part(NamedTuple):
    """A part taken of a lot. `lot` is None beyond the last lot; then the cost is unknown."""

    lot: OpenLot | None
    quantity: Decimal
    cost: Decimal | None

    @property
    def missing(self) -> Decimal:
        """The number of its units that were in no lot."""
        return self.quantity if self.lot is None else ZERO


def share(total: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """`part / whole` of `total`, rounded to 18 digits; all of it where the part is the whole."""
    return total if part == whole else (total * part / whole).quantize(UNIT)


def _oldest(lot: OpenLot) -> tuple[Any, ...]:
    return (lot.acquired_at, lot.number)


def _newest(lot: OpenLot) -> tuple[Any, ...]:
    return (-lot.acquired_at.timestamp(), -lot.number)


def _dearest(lot: OpenLot) -> tuple[Any, ...]:
    """By cost of a unit when it came in, the unknown last."""
    if lot.unit_cost is None:
        return (1, ZERO, lot.acquired_at, lot.number)
    return (0, -lot.unit_cost, lot.acquired_at, lot.number)


_ORDERS: dict[LotMethod, Callable[[OpenLot], tuple[Any, ...]]] = {
    LotMethod.FIFO: _oldest,
    LotMethod.LIFO: _newest,
    LotMethod.HIFO: _dearest,
    LotMethod.AVERAGE: _oldest,
}


class Pool:
    """The open lots of one token in one portfolio, or in one account of it. Use it with the context `EXACT`."""

    def __init__(self, method: LotMethod) -> None:
        self.method = method
        self._order = _ORDERS[method]
        self._heap: list[tuple[tuple[Any, ...], OpenLot]] = []

    def add(self, lot: OpenLot) -> None:
        """Put a lot in."""
        heapq.heappush(self._heap, (self._order(lot), lot))

    def quantity(self) -> Decimal:
        """The number of units in the pool."""
        return sum((lot.quantity for _, lot in self._heap), ZERO)

    def take(self, quantity: Decimal) -> Iterator[Part]:
        """Take `quantity` out, lot by lot in the order of the method; missing units come last, of no lot."""
        left = quantity
        while left > 0 and self._heap:
            lot = self._heap[0][1]
            part = _split(lot, min(left, lot.quantity))
            if not lot.quantity:
                heapq.heappop(self._heap)
            left -= part.quantity
            yield part
        if left > 0:
            yield Part(None, left, None)

    def take_all(self) -> list[Part]:
        """Take everything out."""
        parts = [Part(lot, lot.quantity, lot.cost) for _, lot in sorted(self._heap)]
        self._heap.clear()
        for lot, _, _ in parts:
            assert lot is not None
            lot.quantity, lot.cost = ZERO, None if lot.cost is None else ZERO
        return parts

    def lots(self) -> list[OpenLot]:
        """The open lots, in the order in which they would be used."""
        return [lot for _, lot in sorted(self._heap)]


def _split(lot: OpenLot, quantity: Decimal) -> Part:
    cost = None if lot.cost is None else share(lot.cost, quantity, lot.quantity)
    lot.quantity -= quantity
    if lot.cost is not None and cost is not None:
        lot.cost -= cost
    return Part(lot, quantity, cost)
