"""Request and response bodies of `/exchanges`."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from coinsphere.exchanges.model import Verdict
from coinsphere.exchanges.venues.all import VENUES
from webapi.http.schema import SINGLE_LINE, Input, Line, Output, Query
from webapi.http.visible import VISIBLE


def _supported(name: str) -> str:
    if name not in VENUES:
        raise ValueError(f"must be one of {', '.join(VENUES)}")
    return name


Exchange = Annotated[str, Field(max_length=50), AfterValidator(_supported)]
ApiKey = Annotated[
    str, StringConstraints(min_length=8, max_length=500, strip_whitespace=True), SINGLE_LINE
]
# A key of Coinbase is a PEM file: it has line breaks.
Secret = Annotated[str, StringConstraints(min_length=8, max_length=4_000, strip_whitespace=True)]
Market = Annotated[str, Field(pattern=r"^[A-Z0-9.\-]{1,20}/[A-Z0-9.\-]{1,20}$")]
Markets = Annotated[list[Market], Field(max_length=200)]


class ExchangeKeyIn(Input):
    """A key to be looked at."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"exchange": "kraken", "apiKey": "your key", "apiSecret": "its secret"}
        }
    )

    exchange: Exchange
    api_key: ApiKey
    api_secret: Secret
    passphrase: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class ConnectExchangeIn(ExchangeKeyIn):
    """An account to be connected."""

    label: Annotated[Line, Field(min_length=1, max_length=40), VISIBLE] | None = None
    portfolio_id: UUID | None = Field(
        None, description="Where its transactions go; the active portfolio where none is named."
    )
    allow_trading: bool = Field(
        default=False,
        description="Whether a key that can trade is accepted; one that can withdraw never is.",
    )
    markets: Markets = Field(
        default_factory=list,
        description="Markets to read beside those that balances and transfers point to, like `ADA/BTC`; for exchanges "
        "that tell trades by market only (Binance).",
    )


class ConnectionChange(Input):
    """What may be changed of a connection; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"example": {"syncMinutes": 30}})

    portfolio_id: UUID | None = None
    markets: Markets | None = None
    sync_minutes: Annotated[int, Field(ge=5, le=1_440, strict=True)] | None = Field(
        None, description="A day at most, as a sync also looks what the key may do."
    )


class VenueOut(Output):
    """An exchange that can be connected."""

    id: str
    name: str
    requires_passphrase: bool


class VenuesOut(Output):
    """All of them."""

    exchanges: list[VenueOut]


class PermissionsOut(Output):
    """What a key may do; null where its exchange does not say."""

    verdict: Verdict
    can_read: bool | None
    can_trade: bool | None
    can_withdraw: bool | None
    is_verified: bool
    granted: list[str]


class TestedOut(Output):
    """A key that works."""

    success: Literal[True] = True
    message: str
    permissions: PermissionsOut


class ConnectedExchangeOut(TestedOut):
    """An account that is connected, and the job that reads it for the first time."""

    connection_id: UUID
    job_id: UUID | None


class ExchangeSyncOut(Output):
    """How far a sync is."""

    job_id: UUID = Field(validation_alias="id")
    status: Literal["queued", "running", "succeeded", "failed"]
    stream: str | None
    imported: int
    known: int
    unbooked: int
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class ConnectionOut(Output):
    """A connection; of its key only the last four characters."""

    id: UUID
    exchange: str
    name: str
    label: str | None
    portfolio_id: UUID | None
    status: Literal["active", "invalid_key", "disabled"]
    permissions: PermissionsOut | None
    key_hint: str | None
    allow_trading: bool
    markets: list[str]
    sync_minutes: int
    last_synced_at: datetime | None
    next_sync_at: datetime | None
    last_error: str | None
    created_at: datetime
    last_sync: ExchangeSyncOut | None
    unbooked: int = Field(
        description="Rows that are not in the books; `/unbooked` says which and why."
    )


class UnbookedQuery(Query):
    """How many."""

    limit: int = Field(100, ge=1, le=200)


class NotBookedOut(Output):
    """Something that an exchange told and that is not in the books."""

    name: str = Field(description="The exchange's own id, as far as it tells one.")
    reason: str
    stream: str | None = Field(description="The list that told it.")
    is_read: bool = Field(description="False: the row itself cannot be read.")
    row: str = Field(description="As it was told, or what was read of it.")
    occurred_at: datetime | None
    found_at: datetime
    tried_at: datetime | None = Field(description="The next sync tries it again.")


class UnbookedOut(Output):
    """What is not in the books: first what has no time, then the newest."""

    unbooked: list[NotBookedOut]


class ConnectionsOut(Output):
    """One's connections."""

    connections: list[ConnectionOut]


class OneConnectionOut(Output):
    """One connection."""

    connection: ConnectionOut


class StartedOut(Output):
    """A sync that was asked for."""

    success: Literal[True] = True
    message: str
    connection_id: UUID
    job_id: UUID


class StartedJobOut(Output):
    """Which job reads which connection."""

    connection_id: UUID
    job_id: UUID


class AllStartedOut(Output):
    """Syncs that were asked for."""

    success: Literal[True] = True
    message: str
    jobs: list[StartedJobOut]


class DoneOut(Output):
    """It was done."""

    success: Literal[True] = True
    message: str


def permissions(stored: dict[str, Any]) -> dict[str, Any] | None:
    """Permissions as `coinsphere.exchanges.connections.written` stores them."""
    return stored or None
