"""Request and response bodies of `/portfolios` and `/holdings`."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints

from coinsphere.portfolio.model import LotMethod, LotScope
from webapi.defi import net_worth
from webapi.holdings.schemas import HOLDING, HoldingOut
from webapi.http.schema import Amount, Input, Line, Name, NotKeptOut, Number, Output
from webapi.portfolios.examples import AT, ID, example

Icon = Annotated[Line, StringConstraints(max_length=50)]


Currency = Annotated[
    Line,
    StringConstraints(min_length=1, max_length=20),
    BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
]


def _text(value: str) -> str:
    if "\0" in value:
        raise ValueError("must not hold a zero byte")
    return value


Prose = Annotated[
    str,
    StringConstraints(max_length=500),
    BeforeValidator(lambda value: _text(value) if isinstance(value, str) else value),
]


Tolerance = Annotated[Number, Field(ge=0, le=Decimal("0.5"))]


Hours = Annotated[int, Field(ge=0, le=720, strict=True)]


class PortfolioIn(Input):
    """A new portfolio."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "Long term", "currency": "EUR", "lotMethod": "fifo"}}
    )

    name: Name
    description: Prose | None = None
    icon: Icon | None = None
    currency: Currency = Field(
        "USD",
        description="Of costs and values: an ISO code with a reference rate, or a token's symbol.",
    )
    lot_method: LotMethod = Field(LotMethod.FIFO, description="Which lots a sale uses first.")
    lot_scope: LotScope = Field(
        LotScope.PORTFOLIO, description="Whether each exchange's lots are kept apart."
    )
    transfer_tolerance: Tolerance = Field(
        Decimal("0.005"),
        description="Part of an own transfer that may be lost on the way as a fee.",
    )
    transfer_hours: Hours = Field(20, description="Longest time that an own transfer takes.")


class PortfolioChange(Input):
    """What is to change; the rest stays. All is booked anew where costs depend on it."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "Savings"}})

    name: Name | None = None
    description: Prose | None = None
    icon: Icon | None = None
    currency: Currency | None = None
    lot_method: LotMethod | None = None
    lot_scope: LotScope | None = None
    transfer_tolerance: Tolerance | None = None
    transfer_hours: Hours | None = None
    is_active: bool | None = Field(None, description="Ignored: see set-active.")


class StatsOut(Output):
    """Sums over what is known."""

    total_value: Amount | None
    total_cost: Amount | None
    profit_loss: Amount | None
    profit_loss_percentage: Amount | None
    profit_loss_reason: str | None = Field(
        description="Why `profitLossPercentage` is null; null where it is not."
    )
    holdings_count: int


class PortfolioOut(Output):
    """A portfolio with what it holds. `netWorth` has what its wallets have in protocols (`defi`), `totalValue` has not."""

    id: UUID
    name: str
    description: str | None
    icon: str | None
    currency: str = Field(description="The portfolio's own, which its books are kept in.")
    display_currency: str = Field(
        description="What all amounts are in: `?currency=`, else the own."
    )
    rate_date: date | None = Field(
        description="The day of the exchange rate; null where nothing is converted."
    )
    lot_method: LotMethod
    lot_scope: LotScope
    transfer_tolerance: Amount
    transfer_hours: int
    is_active: bool
    created_at: datetime
    updated_at: datetime
    holdings: list[HoldingOut]
    stats: StatsOut
    total_value: Amount | None
    change24h: Amount | None
    change_percent24h: Amount | None
    asset_count: int
    transaction_count: int
    unpriced: list[str]
    stale: list[str]
    uncosted: list[str]
    missing_rates: list[str] = Field(
        description="Currencies without an exchange rate, for want of which amounts are null."
    )
    is_pending: bool
    valued_at: datetime | None
    defi: net_worth.InProtocolsOut | None = Field(description="Null with `asOf`.")
    net_worth: Amount | None
    not_kept: list[NotKeptOut]


_STATS = {
    "totalValue": 30000,
    "totalCost": 20000,
    "profitLoss": 10000,
    "profitLossPercentage": 50,
    "profitLossReason": None,
    "holdingsCount": 1,
}


_PORTFOLIO: dict[str, Any] = {
    "id": ID,
    "name": "Long term",
    "description": None,
    "icon": None,
    "currency": "USD",
    "displayCurrency": "USD",
    "rateDate": None,
    "lotMethod": "fifo",
    "lotScope": "portfolio",
    "transferTolerance": 0.005,
    "transferHours": 20,
    "isActive": True,
    "createdAt": AT,
    "updatedAt": AT,
    "holdings": [HOLDING],
    "stats": _STATS,
    "totalValue": 30000,
    "change24h": 443.35,
    "changePercent24h": 1.5,
    "assetCount": 1,
    "transactionCount": 1,
    "unpriced": [],
    "stale": [],
    "uncosted": [],
    "missingRates": [],
    "isPending": False,
    "valuedAt": AT,
    "defi": net_worth.EXAMPLE,
    "netWorth": 42000,
    "notKept": [],
}


class LeftOutOut(Output):
    """A portfolio of which sums leave something out: tokens without a price or that are delisted, or all for want of an exchange rate."""

    portfolio_id: UUID
    name: str
    unpriced: list[str]
    stale: list[str]
    missing_rates: list[str]


class PortfoliosOut(Output):
    """One's portfolios, and sums over what is known of all of them; `leftOut` names what they do not contain."""

    model_config = example(
        portfolios=[_PORTFOLIO], count=1, currency="USD", leftOut=[], notKept=[], netWorth=42000, totalValue=30000, change24h=443.35, change24hPercentage=1.5,
        totalProfitLoss=10000, totalProfitLossPercentage=50,
    )  # fmt: skip

    portfolios: list[PortfolioOut]
    count: int
    currency: str = Field(
        description="Of the sums: `?currency=`, else that of all portfolios, else US dollars."
    )
    left_out: list[LeftOutOut]
    not_kept: list[NotKeptOut]
    net_worth: Amount | None
    total_value: Amount | None
    change24h: Amount | None
    change24h_percentage: Amount | None
    total_profit_loss: Amount | None
    total_profit_loss_percentage: Amount | None


class OnePortfolioOut(Output):
    """One portfolio."""

    model_config = example(portfolio=_PORTFOLIO)

    portfolio: PortfolioOut


class SyncStartedOut(Output):
    """A sync that was asked for."""

    model_config = example(message="Sync initiated", jobId=ID, estimatedCompletionTime=AT)

    message: str
    job_id: UUID
    estimated_completion_time: datetime


class SyncProgressOut(Output):
    """How far a sync is."""

    model_config = example(status="succeeded", startedAt=AT, finishedAt=AT, imported=0, error=None)

    status: Literal["queued", "running", "succeeded", "failed"]
    started_at: datetime | None
    finished_at: datetime | None
    imported: int
    error: str | None
