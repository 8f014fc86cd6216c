"""The model of an account at an exchange: its key, the key's permissions, and the records of its past.

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
    """An API key with its secrets; never shown, never logged."""

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
    """A key's permissions as its exchange reports them; None where it does not.

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
        """The verdict on the most harmful of the permissions."""
        if self.withdraw:
            return Verdict.CAN_WITHDRAW
        if self.trade:
            return Verdict.CAN_TRADE
        return Verdict.UNKNOWN if None in (self.trade, self.withdraw) else Verdict.READ_ONLY


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """A key's permissions, and the account's name where the exchange reports it."""

    permissions: Permissions
    account: str | None = None


class Unread(NamedTuple):
    """A row that cannot be read: it is not booked, and the others are.

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
    """Records, rows that cannot be read, and the position from which the stream continues."""

    records: list[Record]
    position: Position
    is_last: bool
    unread: Sequence[Unread] = ()


@dataclass(frozen=True, slots=True)
class Stream:
    """One of the lists that make up an account's past, such as trades or deposits.

    Attributes:
        page: asks for what follows a position.
        again: asks once more for what could not be read, by its `asked`; where it is missing, `page` does.
    """

    name: str
    page: Callable[[Position, datetime], Page]
    again: Callable[[Position, datetime], Page] | None = None


@dataclass(slots=True)
class Known:
    """The assets and markets already known of an account, for exchanges that list trades by market only.

    Attributes:
        assets: what it holds or ever moved.
        markets: which the user named, like `ADA/BTC`.
    """

    assets: set[str] = field(default_factory=set)
    markets: tuple[str, ...] = ()


class Venue(Protocol):
    """The reader of one exchange. `client` is made by `client.connect`."""

    id: str
    name: str
    requires_passphrase: bool

    def key(self, client: Any) -> KeyInfo:
        """The key's permissions."""
        ...

    def balances(self, client: Any) -> dict[str, Decimal]:
        """The account's balances by asset, free and locked together."""
        ...

    def streams(self, client: Any, known: Known) -> list[Stream]:
        """The lists to read; there may be more once `known` has grown."""
        ...


@dataclass(frozen=True, slots=True)
class LedgerAccount:
    """The account that a connection's facts are booked to; `name` is its name in the ledger."""

    portfolio_id: UUID
    exchange: str
    account: str | None
    name: str

    def external_id(self, native_id: str) -> str:
        """The record's id in the ledger: the same each time the record is read.

        Kraken's ids are unique in the world, and files that it exports bear them too.
        """
        if self.exchange == "kraken":
            return f"kraken:{native_id}"
        return f"{self.exchange}:{self.account or ''}:{native_id}"
