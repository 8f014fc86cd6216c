"""Sums a token's holdings at each day's end and its flows of the day, by portfolio. No I/O."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from coinsphere.portfolio.lots.book_records import BookRecords
from coinsphere.portfolio.lots.movements import ExternalFlow
from coinsphere.portfolio.model import ZERO, Flow, Position


@dataclass(slots=True)
class _Holding:
    amount: Decimal = ZERO
    cost: Decimal = ZERO
    uncosted: Decimal = ZERO

    def change(self, quantity: Decimal, cost: Decimal | None) -> None:
        self.amount += quantity
        if cost is None:
            self.uncosted += quantity
        else:
            self.cost += cost

    def state(self) -> tuple[Decimal, Decimal, Decimal]:
        return self.amount, self.cost, self.uncosted


class DailyTotals:
    """Sums up one day at a time; `records` gets positions where they changed, and flows."""

    def __init__(self, records: BookRecords) -> None:
        self._records = records
        self._day: date | None = None
        self._holdings: dict[UUID, _Holding] = {}
        self._recorded: dict[UUID, tuple[Decimal, Decimal, Decimal]] = {}
        self._flows: dict[UUID, list[ExternalFlow]] = {}

    def restore(self, portfolio_id: UUID, quantity: Decimal, cost: Decimal | None) -> None:
        """Add units held before the first day, whose position is recorded already."""
        self.change(portfolio_id, quantity, cost)
        self._recorded[portfolio_id] = self._holdings[portfolio_id].state()

    def begin(self, day: date) -> None:
        """Go on with `day`, closing the one before if it is another."""
        if day != self._day:
            self.close()
            self._day = day

    def change(self, portfolio_id: UUID, quantity: Decimal, cost: Decimal | None) -> None:
        """Add units (negative: subtract) with their cost; None is unknown."""
        self._holdings.setdefault(portfolio_id, _Holding()).change(quantity, cost)

    def add_flow(self, portfolio_id: UUID, flow: ExternalFlow) -> None:
        """Add a flow across the portfolio's border."""
        if any(flow):
            self._flows.setdefault(portfolio_id, []).append(flow)

    def close(self) -> None:
        """Record the day's positions and flows."""
        if self._day is None:
            return
        for portfolio_id in sorted(self._holdings):
            state = self._holdings[portfolio_id].state()
            if self._recorded.get(portfolio_id, (ZERO, ZERO, ZERO)) != state:
                self._recorded[portfolio_id] = state
                self._records.positions.append(Position(portfolio_id, self._day, *state))
        for portfolio_id in sorted(self._flows):
            flows = self._flows[portfolio_id]
            self._records.flows.append(_summed(portfolio_id, self._day, flows))
        self._flows.clear()


class Untotalled(DailyTotals):
    """Does nothing, for a book whose positions and flows are not needed."""

    def begin(self, day: date) -> None:
        """Nothing ends."""

    def change(self, portfolio_id: UUID, quantity: Decimal, cost: Decimal | None) -> None:
        """Nothing is added."""

    def add_flow(self, portfolio_id: UUID, flow: ExternalFlow) -> None:
        """Nothing is noted."""

    def close(self) -> None:
        """Nothing is recorded."""


def _summed(portfolio_id: UUID, day: date, flows: list[ExternalFlow]) -> Flow:
    return Flow(portfolio_id, day, *(sum(column, ZERO) for column in zip(*flows, strict=True)))
