"""What goes into the book of a token, and what comes out of it."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from coinsphere.portfolio.model import (
    Fact,
    Finding,
    Flow,
    Lot,
    LotUse,
    Position,
)


class Arrival(NamedTuple):
    """Where the units of a matched transfer arrived: `amount` of them, the rest being the network's fee."""

    fact_id: UUID
    portfolio_id: UUID
    exchange: str | None
    amount: Decimal


class Entry(NamedTuple):
    """A fact at the instant at which it is booked; of a matched transfer, the outgoing one with its arrival."""

    fact: Fact
    at: datetime
    arrival: Arrival | None = None


class Restored(NamedTuple):
    """What was left of a lot at the start of the day from which a book goes on."""

    lot: Lot
    quantity: Decimal
    cost: Decimal | None


class Start(NamedTuple):
    """From where a book goes on: open lots, and the numbers of the next lot and of the next use."""

    restored: tuple[Restored, ...] = ()
    next_lot: int = 1
    next_use: int = 1


@dataclass(slots=True)
class Booked:
    """What a book made. `closed` are lots, of this book or restored, of which nothing is left, and since when."""

    lots: list[Lot] = field(default_factory=list)
    uses: list[LotUse] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    closed: dict[int, datetime] = field(default_factory=dict)
