"""The model of a consensus: venues' quotes, the part of each, and the price they agree on."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Literal
from uuid import UUID

METHOD = 2
"""Version of the rule; each stored price names the one that it was made by."""
DOLLAR = "USD"
CURRENCIES = (DOLLAR, "USDT", "USDC", "EUR")
"""Quote currencies that are read; each but the dollar is priced in those before it, and converts by that price."""

Asset = UUID | str
"""A token's id, or the code of a currency that is no token."""


class State(StrEnum):
    """How many venues stand behind a price."""

    OK = "ok"
    """A quorum, and more than half of those that could vote."""
    THIN = "thin"
    """Two or more, but no quorum."""
    SINGLE = "single"
    STALE = "stale"
    """None: the last price stays, with its age."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The parameters of the rule. Distances are in basis points (bp, a ten-thousandth)."""

    quorum: int = 3
    stale_after: timedelta = timedelta(seconds=90)
    frozen_after: timedelta = timedelta(minutes=10)
    """A market whose price, book and volume all stand still for so long is not alive, whatever its timestamps say."""
    ahead: timedelta = timedelta(minutes=1)
    widest_spread: Decimal = Decimal(100)
    tolerance: Decimal = Decimal(50)
    """Real spot venues differ less than this at the 99.9th percentile."""
    noises: int = 4
    """Who is usually further away from the others may be so by this multiple of it, up to `pair_tolerance`."""
    pair_tolerance: Decimal = Decimal(300)
    """Two venues alone cannot outvote each other: so far apart, neither is believed."""
    barred_from: Decimal = Decimal(1000)
    barred_for: timedelta = timedelta(minutes=5)
    least_jump: Decimal = Decimal(300)
    usual_moves: int = 8
    rate_lasts: timedelta = timedelta(hours=1)
    """A currency's rate is used for so long after it was agreed on."""


@dataclass(frozen=True, slots=True)
class VenueQuote:
    """One market's quote: money in `currency`, `volume` and `market_cap` over 24 hours in it, change in percent."""

    asset: Asset
    venue: str
    currency: str
    price: Decimal
    observed_at: datetime
    bid: Decimal | None = None
    ask: Decimal | None = None
    volume: Decimal | None = None
    change_24h: Decimal | None = None
    market_cap: Decimal | None = None
    is_aggregate: bool = False
    """Made of many venues by somebody else, who takes minutes: stale only when a market would be frozen."""


@dataclass(frozen=True, slots=True)
class Constituent:
    """A market's quote and its part in the price. Money is in US dollars, except within `quote`.

    `noise` is the venue's usual distance from the consensus in bp, `unchanged_since` when its market last moved;
    `agreeing_since` is set while a barred venue agrees again.
    """

    quote: VenueQuote
    rate: Decimal | None
    price: Decimal | None
    age: timedelta
    unchanged_since: datetime
    noise: Decimal
    weight: Decimal = Decimal(0)
    apart: Decimal | None = None
    left_out: str | None = None
    is_outvoted: bool = False
    is_barred: bool = False
    agreeing_since: datetime | None = None

    @property
    def volume(self) -> Decimal | None:
        """Traded in 24 hours, in US dollars."""
        if self.quote.volume is None or self.rate is None:
            return None
        return self.quote.volume * self.rate


@dataclass(frozen=True, slots=True)
class Consensus:
    """The price of an asset in US dollars at an instant, with everything that it was computed from.

    `agreed_at` is when `price` was agreed on: earlier than `valid_at` where nobody could be believed, or where a jump
    still waits for its confirmation; then `candidate` is the price after the jump. `usual_move` is in bp a minute.
    """

    asset: Asset
    valid_at: datetime
    state: State
    venues: int
    price: Decimal | None = None
    confidence: Decimal | None = None
    agreed_at: datetime | None = None
    jump: Literal["waiting", "confirmed"] | None = None
    candidate: Decimal | None = None
    usual_move: Decimal = Decimal(0)
    constituents: tuple[Constituent, ...] = field(default=())

    @property
    def is_new(self) -> bool:
        """Whether the price was agreed on just now."""
        return self.price is not None and self.agreed_at == self.valid_at

    def constituent(self, venue: str, currency: str) -> Constituent | None:
        """The part of one market."""
        for each in self.constituents:
            if (each.quote.venue, each.quote.currency) == (venue, currency):
                return each
        return None
