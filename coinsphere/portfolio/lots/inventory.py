"""The lots of one token in each pool of a user: how they are acquired, used and mixed. No I/O."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from coinsphere.portfolio.lots.book_records import BookRecords, Restored, Start
from coinsphere.portfolio.lots.daily_totals import DailyTotals
from coinsphere.portfolio.lots.movements import Acquire, Dispose
from coinsphere.portfolio.lots.pool import OpenLot, Part, Pool, share
from coinsphere.portfolio.model import (
    REALISING,
    UNIT,
    ZERO,
    Finding,
    IssueKind,
    Lot,
    LotMethod,
    LotScope,
    LotUse,
    Rules,
    Use,
)


class Booking(NamedTuple):
    """A fact, or an event, in the pool and at the instant in which it is booked."""

    fact_id: UUID
    portfolio_id: UUID
    account: str
    at: datetime


class Inventory:
    """The pools of one token. Each new lot and each use of one is recorded, and changes the day's totals.

    Args:
        rules: how each of the user's portfolios is booked.
        records: gets lots, uses, and a finding where more is taken than is there.
        totals: of the same book.
        start: the lots that are open already, and the numbers that come next.
    """

    def __init__(
        self, rules: Mapping[UUID, Rules], records: BookRecords, totals: DailyTotals, start: Start
    ) -> None:
        self._rules = rules
        self._records = records
        self._totals = totals
        self._pools: dict[tuple[UUID, str], Pool] = {}
        self._next_lot, self._next_use = start.next_lot, start.next_use
        for restored in start.restored:
            self._restore(restored)

    def account(self, portfolio_id: UUID, exchange: str | None) -> str:
        """The name of the pool for holdings on `exchange`: one for each, or one for all."""
        is_split = self._rules[portfolio_id].scope is LotScope.ACCOUNT
        return (exchange or "").lower() if is_split else ""

    def accounts(self, portfolio_id: UUID) -> list[str]:
        """The names of a portfolio's pools, in order."""
        return sorted(account for owner, account in self._pools if owner == portfolio_id)

    def pool(self, portfolio_id: UUID, account: str) -> Pool:
        """The pool of that name; an empty one where there was none."""
        pool = self._pools.get((portfolio_id, account))
        if pool is None:
            pool = self._pools[portfolio_id, account] = Pool(self._rules[portfolio_id].method)
        return pool

    def acquire(self, booking: Booking, move: Acquire, acquired_at: datetime) -> None:
        """Open a lot; its age counts from `acquired_at`."""
        portfolio_id = booking.portfolio_id
        pool = self.pool(portfolio_id, booking.account)
        quantity, cost, since = move.quantity, move.cost, acquired_at
        if pool.method is LotMethod.AVERAGE:
            quantity, cost, since = self._mix(booking, move, acquired_at)
        number = self._next_lot
        self._next_lot += 1
        lot = Lot(
            number,
            portfolio_id,
            booking.account,
            booking.fact_id,
            since,
            booking.at,
            quantity,
            cost,
        )
        self._records.lots.append(lot)
        self._totals.change(portfolio_id, quantity, cost)
        pool.add(_opened(pool.method, Restored(lot, quantity, cost)))

    def dispose(self, booking: Booking, move: Dispose) -> Decimal:
        """Take units out, each lot with its share of the proceeds. Returns how many were in no lot."""
        left = move.proceeds if move.use in REALISING else None
        units, missing = move.quantity, ZERO
        for part in self.pool(booking.portfolio_id, booking.account).take(move.quantity):
            part_proceeds = None if left is None else share(left, part.quantity, units)
            units -= part.quantity
            if left is not None and part_proceeds is not None:
                left -= part_proceeds
            self._record_use(booking, move.use, part, part_proceeds)
            missing += part.missing
        return missing

    def take(self, booking: Booking, quantity: Decimal, kind: Use) -> Iterator[Part]:
        """Take units out without proceeds, for what goes on elsewhere with its cost."""
        for part in self.pool(booking.portfolio_id, booking.account).take(quantity):
            self._record_use(booking, kind, part)
            yield part

    def take_all(self, booking: Booking, kind: Use) -> Iterator[Part]:
        """Take out, without proceeds, all that the pool has."""
        for part in self.pool(booking.portfolio_id, booking.account).take_all():
            self._record_use(booking, kind, part)
            yield part

    def _mix(
        self, booking: Booking, move: Acquire, acquired_at: datetime
    ) -> tuple[Decimal, Decimal | None, datetime]:
        """At average cost, merge new units with the present lot: that one ends, and one of both begins.

        Of a mixture with units of unknown cost the cost is unknown as a whole.
        """
        quantity, cost, since = move.quantity, move.cost, acquired_at
        for part in self.take_all(booking, Use.POOLED):
            assert part.lot is not None
            cost = None if cost is None or part.cost is None else cost + part.cost
            quantity += part.quantity
            since = min(since, part.lot.acquired_at)
        return quantity, cost, since

    def _record_use(
        self, booking: Booking, kind: Use, part: Part, proceeds: Decimal | None = None
    ) -> None:
        """Record the use of a part of a lot, or of units that nobody knew of."""
        portfolio_id, lot = booking.portfolio_id, part.lot
        self._records.uses.append(
            LotUse(
                number=self._next_use,
                lot_number=None if lot is None else lot.number,
                portfolio_id=portfolio_id,
                account=booking.account,
                fact_id=booking.fact_id,
                kind=kind,
                used_at=booking.at,
                quantity=part.quantity,
                cost=part.cost,
                proceeds=proceeds,
            )
        )
        self._next_use += 1
        if lot is None:
            self._records.findings.append(
                Finding(IssueKind.NEGATIVE_BALANCE, portfolio_id, booking.fact_id, part.quantity)
            )
            return
        cost = None if part.cost is None else -part.cost
        self._totals.change(portfolio_id, -part.quantity, cost)
        if not lot.quantity:
            self._records.closed[lot.number] = booking.at

    def _restore(self, restored: Restored) -> None:
        lot = restored.lot
        self._totals.restore(lot.portfolio_id, restored.quantity, restored.cost)
        pool = self.pool(lot.portfolio_id, lot.account)
        pool.add(_opened(pool.method, restored))


def _opened(method: LotMethod, restored: Restored) -> OpenLot:
    lot = restored.lot
    unit_cost = None
    if method is LotMethod.HIFO and lot.cost is not None:
        unit_cost = (lot.cost / lot.quantity).quantize(UNIT)
    return OpenLot(lot.number, lot.acquired_at, restored.quantity, restored.cost, unit_cost)
