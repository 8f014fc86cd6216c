"""Random histories of every kind of event, with corrections in any order, against a plain model.

The model knows nothing of pools, heaps, rounding or restarts: it replays a sorted list with fractions.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, time
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from coinsphere.portfolio.ledger import double_entry
from coinsphere.portfolio.lots.book_records import Arrival, BookRecords, Entry, Restored, Start
from coinsphere.portfolio.lots.cost_basis import Book
from coinsphere.portfolio.model import (
    ACQUISITIONS,
    ZERO,
    Fact,
    Kind,
    LotMethod,
    Rules,
    Use,
)
from tests.unit.portfolio.conftest import BTC, ETH, MAIN, VAULT, FakeMarket, at, fact

amounts = st.decimals("0.000000000000000001", "1000000", places=18)
prices = st.none() | st.decimals(0, 100_000, places=8)
days = st.integers(0, 40).map(lambda hours: hours / 4)
portfolios = st.sampled_from([MAIN, VAULT])
MARKET = FakeMarket({BTC: Decimal("61234.567891"), ETH: Decimal("0.000000012345678901")})
TRANSFERRED = {Use.TRANSFER, Use.POOLED}


class Portfolios(RuleBasedStateMachine):
    """Facts come, change and go; after each step the books must hold."""

    method = LotMethod.FIFO

    def __init__(self) -> None:
        super().__init__()
        self.facts: dict[UUID, Fact] = {}
        self.pairs: dict[UUID, UUID] = {}

    def add(self, new: Fact) -> None:
        self.facts[new.fact_id] = new

    @rule(
        kind=st.sampled_from([kind for kind in Kind if kind is not Kind.SWAP]),
        amount=amounts,
        price=prices,
        day=days,
        portfolio=portfolios,
        fee=st.none() | st.decimals("0", "0.1", places=9),
        in_token=st.booleans(),
    )
    def happens(self, *, kind, amount, price, day, portfolio, fee, in_token) -> None:
        of_token = in_token and fee is not None and 0 < fee < amount
        self.add(
            fact(
                kind, amount, price, day, portfolio_id=portfolio, fee=fee if of_token or not in_token else None,
                fee_token_id=BTC if of_token else None,
            )
        )  # fmt: skip

    @rule(amount=amounts, counter=amounts, day=days, portfolio=portfolios, gives=st.booleans())
    def is_swapped(self, amount, counter, day, portfolio, gives) -> None:
        token, other = (BTC, ETH) if gives else (ETH, BTC)
        self.add(
            fact(
                "swap", amount, None, day, portfolio_id=portfolio, token_id=token, counter_token_id=other,
                counter_amount=counter,
            )
        )  # fmt: skip

    @rule(amount=amounts, lost=st.decimals(0, "0.005", places=4), day=days)
    def moves(self, amount, lost, day) -> None:
        with_fee = (amount * (1 - lost)).quantize(Decimal("1e-18"))
        if not with_fee:
            return
        out = fact("transfer_out", amount, None, day)
        arrival = fact("transfer_in", with_fee, None, day + 0.1, portfolio_id=VAULT)
        self.add(out)
        self.add(arrival)
        self.pairs[out.fact_id] = arrival.fact_id

    @rule(data=st.data(), amount=amounts, day=days)
    def is_corrected(self, data, amount, day) -> None:
        single = [key for key in self.facts if key not in self.ends() and not self.facts[key].fee]
        if single:
            key = data.draw(st.sampled_from(single))
            self.facts[key] = self.facts[key]._replace(amount=amount, occurred_at=at(day))

    @rule(data=st.data())
    def is_taken_back(self, data) -> None:
        single = [key for key in self.facts if key not in self.ends()]
        if single:
            del self.facts[data.draw(st.sampled_from(single))]

    def ends(self) -> set[UUID]:
        return set(self.pairs) | set(self.pairs.values())

    def entries(self) -> list[Entry]:
        made = []
        for each in self.facts.values():
            if BTC not in {each.token_id, each.counter_token_id, each.fee_token_id}:
                continue
            if each.fact_id in self.pairs.values():
                continue
            arrival = self.facts.get(self.pairs.get(each.fact_id, UUID(int=0)))
            end = arrival and Arrival(arrival.fact_id, arrival.portfolio_id, None, arrival.amount)
            made.append(Entry(each, each.occurred_at, end))
        return sorted(made, key=_order)

    def book(self, entries: list[Entry], start: Start = Start()) -> BookRecords:  # noqa: B008 - immutable
        rules = {each: Rules(each, "USD", self.method) for each in (MAIN, VAULT)}
        return Book(BTC, rules, MARKET, start).book(entries)

    @invariant()
    def every_event_sums_to_zero(self) -> None:
        for each in self.facts.values():
            double_entry.require_balance(double_entry.postings(each))

    @invariant()
    def amounts_are_those_of_the_plain_model(self) -> None:
        made = self.book(self.entries())
        held = dict.fromkeys((MAIN, VAULT), ZERO)
        for position in made.positions:
            held[position.portfolio_id] = position.amount
        assert {key: Fraction(value) for key, value in held.items()} == plain_amounts(
            self.entries()
        )

    @invariant()
    def cost_is_conserved_and_no_lot_is_negative(self) -> None:
        made = self.book(self.entries())
        costs, left = defaultdict(Decimal), defaultdict(Decimal)
        for lot in made.lots:
            costs[lot.number], left[lot.number] = lot.cost or ZERO, lot.quantity
        for use in made.uses:
            if use.lot_number is not None:
                costs[use.lot_number] -= use.cost or ZERO
                left[use.lot_number] -= use.quantity
        assert all(quantity >= 0 for quantity in left.values())
        assert all(costs[number] == 0 for number in left if not left[number])
        assert all(cost >= 0 for cost in costs.values())
        known = {lot.number for lot in made.lots if lot.cost is not None}
        held = {key: (Decimal(0), Decimal(0)) for key in (MAIN, VAULT)}
        for position in made.positions:
            held[position.portfolio_id] = (position.cost, position.uncosted)
        assert sum(cost for cost, _ in held.values()) == sum(costs[each] for each in known)
        assert sum(units for _, units in held.values()) == sum(
            left[lot.number] for lot in made.lots if lot.cost is None
        )

    @invariant()
    def a_book_from_the_middle_makes_what_a_full_one_makes(self) -> None:
        entries = self.entries()
        full = self.book(entries)
        for cut in {entry.at.date() for entry in entries[:: max(1, len(entries) // 3)]}:
            since = datetime.combine(cut, time(), UTC)
            before = [entry for entry in entries if entry.at < since]
            after = [entry for entry in entries if entry.at >= since]
            earlier = self.book(before)
            later = self.book(after, start_after(earlier))
            assert earlier.lots + later.lots == full.lots
            assert earlier.uses + later.uses == full.uses
            assert earlier.positions + later.positions == full.positions
            assert earlier.flows + later.flows == full.flows
            assert {**earlier.closed, **later.closed} == full.closed


def _order(entry: Entry) -> tuple:
    return (entry.at, entry.fact.fact_id)


def start_after(made: BookRecords) -> Start:
    used = defaultdict(list)
    for use in made.uses:
        used[use.lot_number].append(use)
    restored = [
        Restored(
            lot,
            lot.quantity - sum((use.quantity for use in used[lot.number]), ZERO),
            None
            if lot.cost is None
            else lot.cost - sum((use.cost for use in used[lot.number]), ZERO),
        )
        for lot in made.lots
        if lot.number not in made.closed
    ]
    return Start(tuple(restored), len(made.lots) + 1, len(made.uses) + 1)


def in_turn(entries: list[Entry], held: dict[UUID, Fraction]) -> Iterator[Entry]:
    """Those of one instant in their order, but for what takes more than is there: that waits for the others."""
    for _, group in groupby(entries, lambda entry: entry.at):
        at_once = list(group)
        waiting = []
        for entry in at_once:
            if len(at_once) > 1 and taken(entry.fact) > held[entry.fact.portfolio_id]:
                waiting.append(entry)
            else:
                yield entry
        yield from waiting


def taken(each: Fact) -> Fraction:
    if BTC in (each.counter_token_id, each.kind in ACQUISITIONS and each.token_id):
        return Fraction(0)
    fee = each.fee if each.fee is not None and each.fee_token_id == BTC else ZERO
    return Fraction(fee + (each.amount if each.token_id == BTC else ZERO))


def plain_amounts(entries: list[Entry]) -> dict[UUID, Fraction]:
    """What is held of BTC at the end: never below nothing, as what is missing must have been there."""
    held = {MAIN: Fraction(0), VAULT: Fraction(0)}

    def change(portfolio: UUID, by: Fraction) -> None:
        held[portfolio] = max(Fraction(0), held[portfolio] + by)

    for entry in in_turn(entries, held):
        each = entry.fact
        fee = (
            Fraction(each.fee) if each.fee is not None and each.fee_token_id == BTC else Fraction(0)
        )
        if entry.arrival is not None:
            change(each.portfolio_id, -Fraction(each.amount) - fee)
            change(entry.arrival.portfolio_id, Fraction(entry.arrival.amount))
        elif each.counter_token_id == BTC:
            change(each.portfolio_id, Fraction(each.counter_amount))
        elif each.kind in ACQUISITIONS:
            change(each.portfolio_id, Fraction(each.amount) - fee)
        else:
            change(each.portfolio_id, -Fraction(each.amount) - fee)
    return held


LIMITS = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def _machine(of: LotMethod) -> type:
    made = type(f"By{of.title()}", (Portfolios,), {"method": of}).TestCase
    made.settings = LIMITS
    return made


TestFifo, TestLifo, TestHifo, TestAverage = map(_machine, LotMethod)
