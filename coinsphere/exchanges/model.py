"""What an account at an exchange is made of: its key, what the key may do, and the records of its past.

Amounts are in units of the asset, which is named as ccxt names it everywhere; what an asset is decides `sync.resolution`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from coinsphere.portfolio.imports.statements.record import Record

Position = Mapping[str, Any]
"""Where a stream goes on: plain JSON, empty at the very first."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an exchange gave its customer; never shown, never logged."""

    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)
    passphrase: str | None = field(default=None, repr=False)


class Verdict(StrEnum):
    """What a key's permissions mean to us."""

    READ_ONLY = "read_only"
    CAN_TRADE = "can_trade"
    CAN_WITHDRAW = "can_withdraw"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a key may do, as its exchange says; None where it does not say.

    Attributes:
        trade: place orders of any kind.
        withdraw: move money out, or between accounts.
        granted: the exchange's own names of what is granted.
    """

    trade: bool | None
    withdraw: bool | None
    granted: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst of it."""
        if self.withdraw:
            return Verdict.CAN_WITHDRAW
        if self.trade:
            return Verdict.CAN_TRADE
        return Verdict.UNKNOWN if None in (self.trade, self.withdraw) else Verdict.READ_ONLY


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What an exchange says of a key; `account` names the account where the exchange tells it."""

    permissions: Permissions
    account: str | None = None


class Unread(NamedTuple):
    """A row that cannot be read: nothing of it is booked, and it takes no other with it.

    Attributes:
        native_id: what its record will be called, or, where that is not told, a name by its content.
        reason: what is wrong with it.
        row: how it was told, cut to some length.
        at: its time, where that can be read.
        asked: where it is asked for again, see `Stream.again`.
    """

    native_id: str
    reason: str
    row: str
    at: datetime | None = None
    asked: Position | None = None


class Page(NamedTuple):
    """Some records, rows that cannot be read, and where the stream goes on behind them."""

    records: list[Record]
    position: Position
    is_last: bool
    unread: Sequence[Unread] = ()


@dataclass(frozen=True, slots=True)
class Stream:
    """One of the lists that an account's past is told in.

    Attributes:
        page: asks for what follows a position.
        again: asks once more for what could not be read, by its `asked`; where it is missing, `page` does.
    """

    name: str
    page: Callable[[Position, datetime], Page]
    again: Callable[[Position, datetime], Page] | None = None


@dataclass(slots=True)
class Known:
    """What is known of an account beforehand, for exchanges that tell trades by market only.

    Attributes:
        assets: what it holds or ever moved.
        markets: which the user named, like `ADA/BTC`.
    """

    assets: set[str] = field(default_factory=set)
    markets: tuple[str, ...] = ()


class Venue(Protocol):
    """How one exchange tells an account's past. `client` is ccxt's, made by `client.connect`."""

    id: str
    name: str
    requires_passphrase: bool

    def key(self, client: Any) -> KeyInfo:
        """What the key may do."""
        ...

    def balances(self, client: Any) -> dict[str, Decimal]:
        """What the account holds, free or not."""
        ...

    def streams(self, client: Any, known: Known) -> list[Stream]:
        """The lists to read; more may be found once `known` has grown."""
        ...


@dataclass(frozen=True, slots=True)
class LedgerAccount:
    """Where the facts of a connection go. `name` is how the ledger calls the account."""

    portfolio_id: UUID
    exchange: str
    account: str | None
    name: str

    def external_id(self, native_id: str) -> str:
        """The record's name in the ledger: the same whenever and however often it is told.

        Kraken's ids are unique in the world, and files that it exports bear them too.
        """
        if self.exchange == "kraken":
            return f"kraken:{native_id}"
        return f"{self.exchange}:{self.account or ''}:{native_id}"
