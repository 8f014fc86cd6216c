"""Lots across a change of a token's name or unit: their cost and date stay, their units change. No I/O.

A unit becomes so many others by a ratio that holds for all that a pool holds: what is rounded away of one lot is part of
the next, so that no unit and no cent of cost is lost or made.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from heapq import merge
from uuid import UUID

from coinsphere.market.asset_events import Ratio
from coinsphere.portfolio.lots.book_records import Carried, CarriedLot, Conversion, Step
from coinsphere.portfolio.model import ZERO, Fact, Kind

Successions = Mapping[tuple[UUID, UUID], datetime]
"""Since when a token is another one: of each pair of the former and the latter."""


def converted(lots: Iterable[CarriedLot], ratio: Ratio) -> tuple[CarriedLot, ...]:
    """The lots in the new unit. One too small for a unit of 10^-18 leaves its cost to the next, the last to the one before."""
    made: list[CarriedLot] = []
    old = new = ZERO
    waiting: list[CarriedLot] = []
    for lot in lots:
        old += lot.quantity
        quantity = ratio.amount(old) - new
        waiting.append(lot)
        if quantity > 0:
            new += quantity
            made.append(_joined(waiting, lot)._replace(quantity=quantity))
            waiting = []
    if waiting and made:
        made[-1] = _joined([made[-1], *waiting], made[-1])
    return tuple(made)


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


def in_order(
    token_id: UUID,
    facts: Iterable[Step],
    conversions: Iterable[Conversion],
    carried: Iterable[Carried],
) -> Iterator[Step]:
    """All steps of a token's book by time.

    Of one instant a new unit comes first, as facts of that instant count in it, then what was carried over, then facts,
    and at the end what becomes another token.
    """

    def key(step: Step) -> tuple[datetime, int]:
        if isinstance(step, Conversion):
            return step.at, 0 if step.heir == token_id else 3
        return step.at, 1 if isinstance(step, Carried) else 2

    return merge(facts, sorted(conversions, key=key), sorted(carried, key=key), key=key)
