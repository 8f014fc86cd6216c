"""Converts lots across a change of a token's name or unit: cost and date stay, units change. No I/O.

A unit becomes so many others by a ratio that holds for all that a pool holds: what is rounded away of one lot is part of
the next, so that no unit and no cent of cost is lost or made.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from heapq import merge
from uuid import UUID

from coinsphere.market.reference.asset_events import Ratio
from coinsphere.portfolio.lots.book_records import (
    BookRecords,
    Carried,
    CarriedLot,
    Conversion,
    Step,
)
from coinsphere.portfolio.lots.movements import fee_in
from coinsphere.portfolio.model import ZERO, Fact, Kind, Use

Successions = Mapping[tuple[UUID, UUID], datetime]
"""Since when a token is another one: of each pair of the former and the latter."""


def converted(lots: Iterable[CarriedLot], ratio: Ratio) -> tuple[CarriedLot, ...]:
    """The lots in the new unit. One too small for a unit of 10^-18 leaves its cost to the next, the last to the one before."""
    carried_lots: list[CarriedLot] = []
    old = new = ZERO
    waiting: list[CarriedLot] = []
    for lot in lots:
        old += lot.quantity
        quantity = ratio.amount(old) - new
        waiting.append(lot)
        if quantity > 0:
            new += quantity
            carried_lots.append(_joined(waiting, lot)._replace(quantity=quantity))
            waiting = []
    if waiting and carried_lots:
        carried_lots[-1] = _joined([carried_lots[-1], *waiting], carried_lots[-1])
    return tuple(carried_lots)


def _joined(lots: list[CarriedLot], like: CarriedLot) -> CarriedLot:
    """`like` with the cost of all of them; unknown where one is."""
    costs = [lot.cost for lot in lots]
    known = [cost for cost in costs if cost is not None]
    return like._replace(cost=sum(known, ZERO) if len(known) == len(costs) else None)


def is_of_event(fact: Fact, successions: Successions) -> bool:
    """Whether a swap is the user's own record of what an event did: the former token for the latter, since then."""
    if fact.kind is not Kind.SWAP or fact.counter_token_id is None:
        return False
    since = successions.get((fact.token_id, fact.counter_token_id))
    return since is not None and fact.occurred_at >= since


def exchanged(fact: Fact) -> Ratio:
    """How many of the former units became how many of the latter in the user's own record of an event."""
    assert fact.counter_token_id is not None
    assert fact.counter_amount is not None
    return Ratio(fact.amount, fact.counter_amount - fee_in(fact, fact.counter_token_id))


def given(records: BookRecords) -> list[Carried]:
    """The lots that went on from a book, by its events and the user's own exchanges, in the unit of the book."""
    acquired = {lot.number: lot.acquired_at for lot in records.lots}
    by_heir: dict[tuple[UUID, datetime, UUID, str], list[CarriedLot]] = defaultdict(list)
    for use in records.uses:
        if use.kind is Use.CONVERSION:
            since = None if use.lot_number is None else acquired[use.lot_number]
            key = (use.fact_id, use.used_at, use.portfolio_id, use.account)
            by_heir[key].append(CarriedLot(use.quantity, use.cost, since))
    return [Carried(*key, tuple(lots)) for key, lots in by_heir.items()]


def held(records: BookRecords, at: datetime) -> dict[tuple[UUID, str], Decimal]:
    """The holdings of each pool just before an instant, by a book from the first fact on."""
    amounts: dict[tuple[UUID, str], Decimal] = defaultdict(lambda: ZERO)
    for lot in records.lots:
        if lot.opened_at < at:
            amounts[lot.portfolio_id, lot.account] += lot.quantity
    for use in records.uses:
        if use.used_at < at and use.lot_number is not None:
            amounts[use.portfolio_id, use.account] -= use.quantity
    return amounts


def split_off(
    event_id: UUID, at: datetime, ratio: Ratio, pools: Mapping[tuple[UUID, str], Decimal]
) -> list[Carried]:
    """The new chain's units by what each pool held: they cost nothing, and are acquired at the split."""
    return [
        Carried(event_id, at, *pool, (CarriedLot(ratio.amount(units), ZERO, at),), is_added=True)
        for pool, units in pools.items()
        if ratio.holds(units)
    ]


def in_order(
    token_id: UUID,
    facts: Iterable[Step],
    conversions: Collection[Conversion],
    carried: Collection[Carried],
) -> Iterator[Step]:
    """All steps of a token's book by time.

    Of one instant a new unit comes first, as facts of that instant count in it, then what was carried over, then facts,
    and at the end what becomes another token.
    """
    if not conversions and not carried:
        return iter(facts)

    def key(step: Step) -> tuple[datetime, int]:
        if isinstance(step, Conversion):
            return step.at, 0 if step.heir == token_id else 3
        return step.at, 1 if isinstance(step, Carried) else 2

    return merge(facts, sorted(conversions, key=key), sorted(carried, key=key), key=key)
