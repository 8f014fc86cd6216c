"""The cost basis of one token of one user: facts in order of time become lots, uses, positions and flows. No I/O.

A book may start in the middle: given the lots that were open at the start of a day, it goes on from there, and its
records equal bit for bit those of a book from the first fact.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from types import MappingProxyType
from uuid import UUID

from coinsphere.portfolio.lots import conversions
from coinsphere.portfolio.lots.book_records import (
    Arrival,
    BookRecords,
    Carried,
    CarriedLot,
    Conversion,
    Entry,
    Start,
    Step,
)
from coinsphere.portfolio.lots.daily_totals import DailyTotals, Untotalled
from coinsphere.portfolio.lots.inventory import Booking, Inventory
from coinsphere.portfolio.lots.movements import (
    Acquire,
    Dispose,
    ExternalFlow,
    fee_in,
    movements_of,
    outgoing,
    unseen,
)
from coinsphere.portfolio.lots.pool import OpenLot
from coinsphere.portfolio.model import (
    ZERO,
    Fact,
    Finding,
    IssueKind,
    Kind,
    Market,
    Rules,
    Use,
)
from coinsphere.portfolio.valuer import Valuer

_BEGINNING = Start()


class Book:
    """The book of one token of one user. Use it with the decimal context `EXACT`.

    Args:
        token_id: the token.
        rules: how each of the user's portfolios is booked.
        market: prices and rates of the past.
        start: what an earlier book left.
        successions: which tokens became which, as far as the token is one of them.
        records: take what the book makes; new ones where none are given.
        has_totals: whether positions and flows of days are wanted.
    """

    def __init__(
        self,
        token_id: UUID,
        rules: Mapping[UUID, Rules],
        market: Market,
        start: Start = _BEGINNING,
        successions: conversions.Successions = MappingProxyType({}),
        *,
        records: BookRecords | None = None,
        has_totals: bool = True,
    ) -> None:
        self._token_id = token_id
        self._rules = rules
        self._valuers = {key: Valuer(market, rule.currency) for key, rule in rules.items()}
        self._successions = successions
        self.records = BookRecords() if records is None else records
        self._totals = DailyTotals(self.records) if has_totals else Untotalled(self.records)
        self._inventory = Inventory(rules, self.records, self._totals, start)

    def book(self, steps: Iterable[Step]) -> BookRecords:
        """Book steps in ascending order of `at`, those of one instant in the order of entry; all records so far."""
        for step in self._in_order(steps):
            self._totals.begin(step.at.date())
            if isinstance(step, Conversion):
                self._convert(step)
            elif isinstance(step, Carried):
                self._carry(step)
            elif step.arrival is None:
                self._book_fact(step)
            else:
                self._book_transfer(step, step.arrival)
        self._totals.close()
        return self.records

    def open_lots(self, portfolio_id: UUID, account: str = "") -> list[OpenLot]:
        """What is left in a pool, in the order in which it would be used."""
        return self._inventory.pool(portfolio_id, account).lots()

    def _in_order(self, steps: Iterable[Step]) -> Iterator[Step]:
        """Each step; one that takes more than is there waits for the others of its instant, which may bring it."""
        for _, group in groupby(steps, attrgetter("at")):
            at_once = list(group)
            waiting = []
            for step in at_once:
                if len(at_once) > 1 and self._waits(step):
                    waiting.append(step)
                else:
                    yield step
            yield from waiting

    def _waits(self, step: Step) -> bool:
        if isinstance(step, Carried):
            return False
        if isinstance(step, Conversion):
            return step.heir != self._token_id
        fact = step.fact
        account = self._inventory.account(fact.portfolio_id, fact.exchange)
        taken = outgoing(fact, self._token_id)
        return taken > 0 and taken > self._inventory.pool(fact.portfolio_id, account).quantity()

    # One fact

    def _book_fact(self, entry: Entry) -> None:
        fact = entry.fact
        booking = self._booking(entry)
        if conversions.is_of_event(fact, self._successions):
            self._exchange(fact, booking)
            return
        movements = movements_of(fact, self._token_id, self._valuers[fact.portfolio_id])
        for move in movements.moves:
            if isinstance(move, Acquire):
                self._inventory.acquire(booking, move, entry.at)
            elif missing := self._inventory.dispose(booking, move):
                self._totals.add_flow(
                    fact.portfolio_id, unseen(move, missing, movements.external_flow)
                )
        self._note_findings(fact, movements.moves)
        self._totals.add_flow(fact.portfolio_id, movements.external_flow)

    # A change of name or unit

    def _convert(self, step: Conversion) -> None:
        """Lots go on in the new unit, or as those of the heir, whose book takes them from the uses noted here."""
        for account in self._inventory.accounts(step.portfolio_id):
            # What the other unit cannot express stays as it is.
            if step.ratio.holds(self._inventory.pool(step.portfolio_id, account).quantity()):
                self._convert_pool(
                    step, Booking(step.event_id, step.portfolio_id, account, step.at)
                )

    def _convert_pool(self, step: Conversion, booking: Booking) -> None:
        lots = []
        for part in self._inventory.take_all(booking, Use.CONVERSION):
            assert part.lot is not None
            lots.append(CarriedLot(part.quantity, part.cost, part.lot.acquired_at))
        new_lots = conversions.converted(lots, step.ratio)
        if step.heir == self._token_id:
            self._continue(booking, new_lots)
        else:
            value = self._value_of(step.heir, new_lots, booking)
            self._totals.add_flow(step.portfolio_id, ExternalFlow(swap_out=value))

    def _carry(self, step: Carried) -> None:
        booking = Booking(step.fact_id, step.portfolio_id, step.account, step.at)
        self._continue(booking, step.lots)
        if step.is_added:
            units = sum((lot.quantity for lot in step.lots), ZERO)
            self._totals.add_flow(step.portfolio_id, ExternalFlow(amount_in=units))
        else:
            value = self._value_of(self._token_id, step.lots, booking)
            self._totals.add_flow(step.portfolio_id, ExternalFlow(swap_in=value))

    def _exchange(self, fact: Fact, booking: Booking) -> None:
        """The user's own record of an event: what was given goes on in the heir's book, and nothing is realised."""
        missing = ZERO
        if self._token_id == fact.token_id:
            taken = self._inventory.take(booking, fact.amount, Use.CONVERSION)
            missing = sum((part.missing for part in taken), ZERO)
            assert fact.counter_token_id is not None
            received = CarriedLot(conversions.exchanged(fact).new, None, None)
            value = self._value_of(fact.counter_token_id, [received], booking)
            self._totals.add_flow(booking.portfolio_id, ExternalFlow(swap_out=value))
        fee = ZERO if self._token_id == fact.counter_token_id else fee_in(fact, self._token_id)
        if fee:
            missing += self._inventory.dispose(booking, Dispose(fee, Use.FEE, ZERO))
        self._totals.add_flow(booking.portfolio_id, ExternalFlow(amount_in=missing))

    def _continue(self, booking: Booking, lots: Iterable[CarriedLot]) -> None:
        for lot in lots:
            self._inventory.acquire(
                booking, Acquire(lot.quantity, lot.cost), lot.acquired_at or booking.at
            )

    def _value_of(self, token_id: UUID, lots: Iterable[CarriedLot], booking: Booking) -> Decimal:
        """What both books say that changed hands: the heir's units at the day's close; nothing where it has none."""
        units = sum((lot.quantity for lot in lots), ZERO)
        return self._valuers[booking.portfolio_id].worth(token_id, units, booking.at.date()) or ZERO

    def _note_findings(self, fact: Fact, moves: tuple[Acquire | Dispose, ...]) -> None:
        if self._token_id not in (fact.token_id, fact.counter_token_id):
            return
        is_in = fact.kind is Kind.TRANSFER_IN and fact.price is None
        if is_in or fact.kind is Kind.TRANSFER_OUT:
            self._find(IssueKind.UNMATCHED_TRANSFER, fact, fact.amount)
            return
        for move in moves:
            if isinstance(move, Acquire) and move.cost is None:
                self._find(IssueKind.MISSING_COST, fact, move.quantity)

    # A transfer between one's own accounts

    def _book_transfer(self, entry: Entry, arrival: Arrival) -> None:
        """Lots move with their cost and their date; what did not arrive was the network's fee."""
        fact = entry.fact
        booking = self._booking(entry)
        target = self._inventory.account(arrival.portfolio_id, arrival.exchange)
        unknown = ZERO
        if (fact.portfolio_id, booking.account) != (arrival.portfolio_id, target):
            unknown = self._move(booking, arrival, target)
        fee = fact.amount - arrival.amount + fee_in(fact, self._token_id)
        missing = self._inventory.dispose(booking, Dispose(fee, Use.FEE, ZERO)) if fee > 0 else ZERO
        self._totals.add_flow(fact.portfolio_id, ExternalFlow(amount_in=unknown + missing))
        if fact.portfolio_id != arrival.portfolio_id:
            self._totals.add_flow(fact.portfolio_id, ExternalFlow(amount_out=arrival.amount))
            self._totals.add_flow(arrival.portfolio_id, ExternalFlow(amount_in=arrival.amount))

    def _move(self, booking: Booking, arrival: Arrival, target: str) -> Decimal:
        """Move lots; how many of the units nobody knew of."""
        missing = ZERO
        there = Booking(arrival.fact_id, arrival.portfolio_id, target, booking.at)
        for part in self._inventory.take(booking, arrival.amount, Use.TRANSFER):
            acquired_at = booking.at if part.lot is None else part.lot.acquired_at
            cost = self._carried(part.cost, booking.portfolio_id, arrival.portfolio_id, acquired_at)
            self._inventory.acquire(there, Acquire(part.quantity, cost), acquired_at)
            missing += part.missing
        return missing

    def _carried(
        self, cost: Decimal | None, source: UUID, target: UUID, acquired_at: datetime
    ) -> Decimal | None:
        """The cost in the other portfolio's currency, at the rate of the day on which it was paid."""
        if cost is None:
            return None
        currency = self._rules[source].currency
        return self._valuers[target].money(cost, currency, acquired_at.date())

    def _booking(self, entry: Entry) -> Booking:
        fact = entry.fact
        account = self._inventory.account(fact.portfolio_id, fact.exchange)
        return Booking(fact.fact_id, fact.portfolio_id, account, entry.at)

    def _find(self, kind: IssueKind, fact: Fact, amount: Decimal) -> None:
        self.records.findings.append(Finding(kind, fact.portfolio_id, fact.fact_id, amount))
