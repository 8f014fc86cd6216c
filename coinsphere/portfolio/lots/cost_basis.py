"""Booking one token of one user: facts in order of time become lots, uses, daily positions and flows. No I/O.

A book may start in the middle: given the lots that were open at the start of a day, it goes on from there, and what it
makes equals bit for bit what a book from the first fact makes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from coinsphere.portfolio.lots import conversions
from coinsphere.portfolio.lots.book_records import (
    Arrival,
    Booked,
    Carried,
    CarriedLot,
    Conversion,
    Entry,
    Restored,
    Start,
    Step,
)
from coinsphere.portfolio.lots.movements import (
    Acquire,
    Dispose,
    ExternalFlow,
    fee_in,
    movements_of,
    outgoing,
    unseen,
)
from coinsphere.portfolio.lots.pool import OpenLot, Part, Pool, share
from coinsphere.portfolio.model import (
    REALISING,
    UNIT,
    ZERO,
    Fact,
    Finding,
    Flow,
    IssueKind,
    Kind,
    Lot,
    LotMethod,
    LotScope,
    LotUse,
    Market,
    Position,
    Rules,
    Use,
)
from coinsphere.portfolio.valuer import Valuer

_BEGINNING = Start()


@dataclass(slots=True)
class _Held:
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


class _Act(NamedTuple):
    """A fact, or an event, in the pool and at the instant in which it is booked."""

    fact_id: UUID
    portfolio_id: UUID
    account: str
    at: datetime


class Book:
    """The book of one token of one user. Use it with the decimal context `EXACT`.

    Args:
        token_id: the token.
        rules: how each of the user's portfolios is booked.
        market: prices and rates of the past.
        start: what an earlier book left.
        successions: which tokens became which, as far as the token is one of them.
    """

    def __init__(
        self,
        token_id: UUID,
        rules: Mapping[UUID, Rules],
        market: Market,
        start: Start = _BEGINNING,
        successions: conversions.Successions = MappingProxyType({}),
    ) -> None:
        self._token_id = token_id
        self._rules = rules
        self._market = market
        self._valuers = {key: Valuer(market, rule.currency) for key, rule in rules.items()}
        self._successions = successions
        self._pools: dict[tuple[UUID, str], Pool] = {}
        self._held: dict[UUID, _Held] = {}
        self._next_lot, self._next_use = start.next_lot, start.next_use
        self._day: date | None = None
        self._flows_of_day: dict[UUID, list[ExternalFlow]] = {}
        self.made = Booked()
        for found in start.restored:
            self._restore(found)
        self._recorded = {key: held.state() for key, held in self._held.items()}

    def book(self, steps: Iterable[Step]) -> Booked:
        """Book steps in ascending order of `at`, those of one instant in the order of entry; what was made so far."""
        for step in self._in_turn(steps):
            day = step.at.date()
            if day != self._day:
                self._close_day()
                self._day = day
            if isinstance(step, Conversion):
                self._convert(step)
            elif isinstance(step, Carried):
                self._carry(step)
            elif step.arrival is None:
                self._book_fact(step)
            else:
                self._book_transfer(step, step.arrival)
        self._close_day()
        return self.made

    def open_lots(self, portfolio_id: UUID, account: str = "") -> list[OpenLot]:
        """What is left in a pool, in the order in which it would be used."""
        return self._pool(portfolio_id, account).lots()

    def _in_turn(self, steps: Iterable[Step]) -> Iterator[Step]:
        """Each step; one that takes more than is there waits for the others of its instant, which may bring it."""
        for _, each in groupby(steps, attrgetter("at")):
            at_once = list(each)
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
        account = self._account(fact.portfolio_id, fact.exchange)
        taken = outgoing(fact, self._token_id)
        return taken > 0 and taken > self._pool(fact.portfolio_id, account).quantity()

    # One fact

    def _book_fact(self, entry: Entry) -> None:
        fact = entry.fact
        act = self._act(entry)
        if conversions.is_of_event(fact, self._successions):
            self._exchange(fact, act)
            return
        done = movements_of(fact, self._token_id, self._valuers[fact.portfolio_id])
        for move in done.moves:
            if isinstance(move, Acquire):
                self._acquire(act, move, entry.at)
            elif missing := self._dispose(act, move):
                self._cross(fact.portfolio_id, unseen(move, missing, done.external_flow))
        self._note_findings(fact, done.moves)
        self._cross(fact.portfolio_id, done.external_flow)

    # A change of name or unit

    def _convert(self, step: Conversion) -> None:
        """Lots go on in the new unit, or as those of the heir, whose book takes them from the uses noted here."""
        accounts = sorted(account for owner, account in self._pools if owner == step.portfolio_id)
        for account in accounts:
            pool = self._pools[step.portfolio_id, account]
            # What the other unit cannot express stays as it is.
            if not step.ratio.holds(pool.quantity()):
                continue
            act = _Act(step.event_id, step.portfolio_id, account, step.at)
            lots = []
            for part in pool.take_all():
                assert part.lot is not None
                lots.append(CarriedLot(part.quantity, part.cost, part.lot.acquired_at))
                self._spend(act, Use.CONVERSION, part, None)
            made = conversions.converted(lots, step.ratio)
            if step.heir == self._token_id:
                self._go_on(act, made)
            else:
                worth = self._worth_of(step.heir, made, act)
                self._cross(step.portfolio_id, ExternalFlow(swap_out=worth))

    def _carry(self, step: Carried) -> None:
        act = _Act(step.fact_id, step.portfolio_id, step.account, step.at)
        self._go_on(act, step.lots)
        if step.is_added:
            came = sum((lot.quantity for lot in step.lots), ZERO)
            self._cross(step.portfolio_id, ExternalFlow(amount_in=came))
        else:
            worth = self._worth_of(self._token_id, step.lots, act)
            self._cross(step.portfolio_id, ExternalFlow(swap_in=worth))

    def _exchange(self, fact: Fact, act: _Act) -> None:
        """The user's own record of an event: what was given goes on in the heir's book, and nothing is realised."""
        missing = ZERO
        if self._token_id == fact.token_id:
            for part in self._pool(act.portfolio_id, act.account).take(fact.amount):
                self._spend(act, Use.CONVERSION, part, None)
                missing += part.quantity if part.lot is None else ZERO
            assert fact.counter_token_id is not None
            came = CarriedLot(conversions.exchanged(fact).new, None, None)
            worth = self._worth_of(fact.counter_token_id, [came], act)
            self._cross(act.portfolio_id, ExternalFlow(swap_out=worth))
        fee = ZERO if self._token_id == fact.counter_token_id else fee_in(fact, self._token_id)
        if fee:
            missing += self._dispose(act, Dispose(fee, Use.FEE, ZERO))
        self._cross(act.portfolio_id, ExternalFlow(amount_in=missing))

    def _go_on(self, act: _Act, lots: Iterable[CarriedLot]) -> None:
        for lot in lots:
            self._acquire(act, Acquire(lot.quantity, lot.cost), lot.acquired_at or act.at)

    def _worth_of(self, token_id: UUID, lots: Iterable[CarriedLot], act: _Act) -> Decimal:
        """What both books say that changed hands: the heir's units at the day's close; nothing where it has none."""
        units = sum((lot.quantity for lot in lots), ZERO)
        return self._valuers[act.portfolio_id].worth(token_id, units, act.at.date()) or ZERO

    def _note_findings(self, fact: Fact, moves: tuple[Acquire | Dispose, ...]) -> None:
        if self._token_id not in {fact.token_id, fact.counter_token_id}:
            return
        is_in = fact.kind is Kind.TRANSFER_IN and fact.price is None
        if is_in or fact.kind is Kind.TRANSFER_OUT:
            self._find(IssueKind.UNMATCHED_TRANSFER, fact.portfolio_id, fact.fact_id, fact.amount)
            return
        for move in moves:
            if isinstance(move, Acquire) and move.cost is None:
                self._find(IssueKind.MISSING_COST, fact.portfolio_id, fact.fact_id, move.quantity)

    def _acquire(self, act: _Act, move: Acquire, acquired_at: datetime) -> None:
        portfolio_id = act.portfolio_id
        pool = self._pool(portfolio_id, act.account)
        quantity, cost, since = move.quantity, move.cost, acquired_at
        if pool.method is LotMethod.AVERAGE:
            quantity, cost, since = self._mix(act, pool, move, acquired_at)
        number = self._next_lot
        self._next_lot += 1
        lot = Lot(number, portfolio_id, act.account, act.fact_id, since, act.at, quantity, cost)
        self.made.lots.append(lot)
        self._holding(portfolio_id).change(quantity, cost)
        pool.add(_opened(pool.method, Restored(lot, quantity, cost)))

    def _mix(
        self, act: _Act, pool: Pool, move: Acquire, acquired_at: datetime
    ) -> tuple[Decimal, Decimal | None, datetime]:
        """At average cost what comes is mixed with what is there: that lot ends, and one of both begins.

        Of a mixture with units of unknown cost the cost is unknown as a whole.
        """
        quantity, cost, since = move.quantity, move.cost, acquired_at
        for part in pool.take_all():
            assert part.lot is not None
            self._spend(act, Use.POOLED, part, None)
            cost = None if cost is None or part.cost is None else cost + part.cost
            quantity += part.quantity
            since = min(since, part.lot.acquired_at)
        return quantity, cost, since

    def _dispose(self, act: _Act, move: Dispose) -> Decimal:
        """Take units out; how many of them nobody knew of."""
        left = move.proceeds if move.use in REALISING else None
        units, missing = move.quantity, ZERO
        for part in self._pool(act.portfolio_id, act.account).take(move.quantity):
            brought = None if left is None else share(left, part.quantity, units)
            units -= part.quantity
            if left is not None and brought is not None:
                left -= brought
            self._spend(act, move.use, part, brought)
            missing += part.quantity if part.lot is None else ZERO
        return missing

    def _spend(self, act: _Act, kind: Use, part: Part, proceeds: Decimal | None) -> None:
        """Note the use of a part of a lot, or of units that nobody knew of."""
        portfolio_id, lot = act.portfolio_id, part.lot
        self.made.uses.append(
            LotUse(
                number=self._next_use,
                lot_number=None if lot is None else lot.number,
                portfolio_id=portfolio_id,
                account=act.account,
                fact_id=act.fact_id,
                kind=kind,
                used_at=act.at,
                quantity=part.quantity,
                cost=part.cost,
                proceeds=proceeds,
            )
        )
        self._next_use += 1
        if lot is None:
            self._find(IssueKind.NEGATIVE_BALANCE, portfolio_id, act.fact_id, part.quantity)
            return
        self._holding(portfolio_id).change(
            -part.quantity, None if part.cost is None else -part.cost
        )
        if not lot.quantity:
            self.made.closed[lot.number] = act.at

    # A transfer between one's own accounts

    def _book_transfer(self, entry: Entry, arrival: Arrival) -> None:
        """Lots move with their cost and their date; what did not arrive was the network's fee."""
        fact = entry.fact
        act = self._act(entry)
        target = self._account(arrival.portfolio_id, arrival.exchange)
        unknown = ZERO
        if (fact.portfolio_id, act.account) != (arrival.portfolio_id, target):
            unknown = self._move(act, fact, arrival, target)
        fee = fact.amount - arrival.amount + fee_in(fact, self._token_id)
        missing = self._dispose(act, Dispose(fee, Use.FEE, ZERO)) if fee > 0 else ZERO
        self._cross(fact.portfolio_id, ExternalFlow(amount_in=unknown + missing))
        if fact.portfolio_id != arrival.portfolio_id:
            self._cross(fact.portfolio_id, ExternalFlow(amount_out=arrival.amount))
            self._cross(arrival.portfolio_id, ExternalFlow(amount_in=arrival.amount))

    def _move(self, act: _Act, fact: Fact, arrival: Arrival, target: str) -> Decimal:
        """Move lots; how many of the units nobody knew of."""
        missing = ZERO
        there = _Act(arrival.fact_id, arrival.portfolio_id, target, act.at)
        for part in self._pool(fact.portfolio_id, act.account).take(arrival.amount):
            self._spend(act, Use.TRANSFER, part, None)
            acquired_at = act.at if part.lot is None else part.lot.acquired_at
            carried = self._carried(part.cost, fact.portfolio_id, arrival.portfolio_id, acquired_at)
            self._acquire(there, Acquire(part.quantity, carried), acquired_at)
            missing += part.quantity if part.lot is None else ZERO
        return missing

    def _carried(
        self, cost: Decimal | None, source: UUID, target: UUID, acquired_at: datetime
    ) -> Decimal | None:
        """The cost in the other portfolio's currency, at the rate of the day on which it was paid."""
        if cost is None:
            return None
        currency = self._rules[source].currency
        return self._valuers[target].money(cost, currency, acquired_at.date())

    # Days

    def _close_day(self) -> None:
        if self._day is None:
            return
        for portfolio_id in sorted(self._held):
            state = self._held[portfolio_id].state()
            if self._recorded.get(portfolio_id, (ZERO, ZERO, ZERO)) != state:
                self._recorded[portfolio_id] = state
                self.made.positions.append(Position(portfolio_id, self._day, *state))
        for portfolio_id in sorted(self._flows_of_day):
            flows = self._flows_of_day[portfolio_id]
            self.made.flows.append(_summed(portfolio_id, self._day, flows))
        self._flows_of_day.clear()

    def _cross(self, portfolio_id: UUID, flow: ExternalFlow) -> None:
        if any(flow):
            self._flows_of_day.setdefault(portfolio_id, []).append(flow)

    # Small things

    def _act(self, entry: Entry) -> _Act:
        fact = entry.fact
        account = self._account(fact.portfolio_id, fact.exchange)
        return _Act(fact.fact_id, fact.portfolio_id, account, entry.at)

    def _find(self, kind: IssueKind, portfolio_id: UUID, fact_id: UUID, amount: Decimal) -> None:
        self.made.findings.append(Finding(kind, portfolio_id, fact_id, amount))

    def _account(self, portfolio_id: UUID, exchange: str | None) -> str:
        """The pool's name: of all exchanges one, or of each its own."""
        is_split = self._rules[portfolio_id].scope is LotScope.ACCOUNT
        return (exchange or "").lower() if is_split else ""

    def _pool(self, portfolio_id: UUID, account: str) -> Pool:
        pool = self._pools.get((portfolio_id, account))
        if pool is None:
            pool = self._pools[portfolio_id, account] = Pool(self._rules[portfolio_id].method)
        return pool

    def _holding(self, portfolio_id: UUID) -> _Held:
        held = self._held.get(portfolio_id)
        if held is None:
            held = self._held[portfolio_id] = _Held()
        return held

    def _restore(self, found: Restored) -> None:
        lot = found.lot
        pool = self._pool(lot.portfolio_id, lot.account)
        self._holding(lot.portfolio_id).change(found.quantity, found.cost)
        pool.add(_opened(pool.method, found))


def _opened(method: LotMethod, found: Restored) -> OpenLot:
    lot = found.lot
    unit_cost = None
    if method is LotMethod.HIFO and lot.cost is not None:
        unit_cost = (lot.cost / lot.quantity).quantize(UNIT)
    return OpenLot(lot.number, lot.acquired_at, found.quantity, found.cost, unit_cost)


def _summed(portfolio_id: UUID, day: date, flows: list[ExternalFlow]) -> Flow:
    return Flow(portfolio_id, day, *(sum(column, ZERO) for column in zip(*flows, strict=True)))
