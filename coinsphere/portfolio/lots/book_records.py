"""The inputs and the records of a token's book."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from coinsphere.market.reference.asset_events import Ratio
from coinsphere.portfolio.model import (
    Fact,
    Finding,
    Flow,
    Lot,
    LotUse,
    Position,
)


class Arrival(NamedTuple):
    """The arrival of a matched transfer: `amount` units of it, the rest being the network's fee."""

    fact_id: UUID
    portfolio_id: UUID
    exchange: str | None
    amount: Decimal


class Entry(NamedTuple):
    """A fact at the instant at which it is booked; of a matched transfer, the outgoing one with its arrival."""

    fact: Fact
    at: datetime
    arrival: Arrival | None = None


class Conversion(NamedTuple):
    """All that a portfolio holds becomes `heir`: another token, or this one in another unit."""

    event_id: UUID
    at: datetime
    portfolio_id: UUID
    heir: UUID
    ratio: Ratio


class CarriedLot(NamedTuple):
    """A lot that goes on in other units; `acquired_at` is None where its origin is unknown."""

    quantity: Decimal
    cost: Decimal | None
    acquired_at: datetime | None


class Carried(NamedTuple):
    """Lots of another token that became this one's, by an event or by the user's own exchange of the two.

    `is_added`: the other token is held as before, as after the split of a chain.
    """

    fact_id: UUID
    at: datetime
    portfolio_id: UUID
    account: str
    lots: tuple[CarriedLot, ...]
    is_added: bool = False


Step = Entry | Conversion | Carried
"""What a book is made of, in the order of `at`."""


class Restored(NamedTuple):
    """The rest of a lot at the start of the day from which a book goes on."""

    lot: Lot
    quantity: Decimal
    cost: Decimal | None


class Start(NamedTuple):
    """The state from which a book goes on: open lots, and the numbers of the next lot and of the next use."""

    restored: tuple[Restored, ...] = ()
    next_lot: int = 1
    next_use: int = 1


@dataclass(slots=True)
class BookRecords:
    """The records of a book. `closed` has lots, of this book or restored, that are used up, and since when."""

    lots: list[Lot] = field(default_factory=list)
    uses: list[LotUse] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    closed: dict[int, datetime] = field(default_factory=dict)
