"""The model of market data, and the protocol that every source implements."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, Protocol, runtime_checkable
from uuid import UUID

from coinsphere.errors import ProviderError


class Interval(StrEnum):
    """Length of a candle."""

    HOUR = "1h"
    DAY = "1d"

    @property
    def duration(self) -> timedelta:
        """The length as a time span."""
        return timedelta(hours=1) if self is Interval.HOUR else timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Token:
    """A token. Its identity is `id`; a symbol is not unique in the world.

    `leads_symbol` tells whether a bare symbol, as exchanges and file names use it, means this token: of several that
    share one, it means the one of the highest market cap.
    """

    id: UUID
    symbol: str
    name: str
    blockchain: str
    coingecko_id: str | None
    contract_address: str | None
    peg_usd: Decimal | None
    leads_symbol: bool = True
    is_active: bool = True


class Candle(NamedTuple):
    """One OHLCV candle in US dollars; `volume` is in units of the token, None where the source does not tell.

    A named tuple, as loads make millions of them: a frozen dataclass takes five times as long to build.
    """

    token_id: UUID
    interval: Interval
    opened_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None
    source: str
    is_final: bool
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class Quote:
    """A current price in US dollars; `volume_24h` in US dollars, `change_24h` in percent, None where unknown."""

    token_id: UUID
    price: Decimal
    volume_24h: Decimal | None
    market_cap: Decimal | None
    change_24h: Decimal | None
    source: str
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class Loaded:
    """The counts of one load: received = stored already + written + quarantined."""

    received: int = 0
    written: int = 0
    quarantined: int = 0

    def __add__(self, other: "Loaded") -> "Loaded":
        return Loaded(
            self.received + other.received,
            self.written + other.written,
            self.quarantined + other.quarantined,
        )


@dataclass(frozen=True, slots=True)
class Metadata:
    """Slowly changing facts of a token; None where the source does not tell."""

    token_id: UUID
    logo_url: str | None
    market_cap_rank: int | None
    circulating_supply: Decimal | None
    total_supply: Decimal | None
    max_supply: Decimal | None
    all_time_high: Decimal | None
    all_time_high_at: datetime | None
    all_time_low: Decimal | None
    all_time_low_at: datetime | None
    source: str
    observed_at: datetime


@runtime_checkable
class NotesProblems(Protocol):
    """A source that goes on after an error, and keeps a list of the errors it met."""

    def take_problems(self) -> list[ProviderError]:
        """The problems noted since the last call."""
        ...


class MarketDataSource(Protocol):
    """A source of market data. Each method raises the `ProviderError` that tells what went wrong."""

    name: str

    def candles(
        self, token: Token, interval: Interval, start: datetime, end: datetime
    ) -> Iterable[Candle]:
        """Candles that open in [start, end), ascending; the newest may be unfinished and says so."""
        ...

    def metadata(self, tokens: Sequence[Token]) -> Sequence[Metadata]:
        """The facts that the source has of each token."""
        ...


@runtime_checkable
class QuoteSource(Protocol):
    """A source that has one price of each token."""

    def quotes(self, tokens: Sequence[Token]) -> Sequence[Quote]:
        """The newest quote of each token that the source lists."""
        ...
