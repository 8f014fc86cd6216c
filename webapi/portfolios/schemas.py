"""What goes over the wire of `/portfolios`, `/holdings` and what is shared of a portfolio."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, StringConstraints

from coinsphere.portfolio.live import Holding, Totals
from coinsphere.portfolio.model import IssueKind, LotMethod, LotScope, Use
from coinsphere.portfolio.portfolios import Portfolio
from webapi.schema import Amount, Input, Line, Name, Number, Output, Query

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


class HoldingIn(Input):
    """A holding by hand: an opening balance."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"tokenSymbol": "BTC", "amount": "0.00014884", "averageBuyPrice": 61000}
        }
    )

    token_symbol: Line | None = None
    asset_symbol: Line | None = Field(None, description="Old name of `tokenSymbol`.")
    amount: Number = Field(gt=0)
    average_buy_price: Number | None = Field(
        None, ge=0, description="In the portfolio's currency; null where it is not known."
    )
    source: Literal["manual"] = "manual"
    acquired_at: AwareDatetime | None = Field(None, description="Default: now.")


class HoldingChange(Input):
    """The new amount, the new average price, or both."""

    model_config = ConfigDict(json_schema_extra={"example": {"amount": "0.5"}})

    amount: Number | None = Field(None, gt=0)
    average_buy_price: Number | None = Field(None, ge=0)


class PeriodQuery(Query):
    """Which days: the last `days`, or from `from` to `to`, both included."""

    days: int | None = Field(None, ge=1, le=20_000)
    first: date | None = Field(None, alias="from")
    last: date | None = Field(None, alias="to")
    explain: bool = Field(
        default=False, description="Give the cash flows and the daily sub-periods, too."
    )
    benchmark: str | None = Field(
        None, max_length=200, description="A token, or a mix as `BTC:0.6,ETH:0.4`."
    )


class GainsQuery(PeriodQuery):
    """Which realised gains."""

    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=400)


class IssuesQuery(Query):
    """Which issues."""

    state: Literal["open", "resolved", "dismissed"] | None = "open"
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=400)


class IssueChange(Input):
    """What becomes of an issue."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"state": "dismissed", "note": "The other wallet is a friend's."}
        }
    )

    state: Literal["open", "resolved", "dismissed"] = "resolved"
    note: Prose | None = None


class TransferDecision(Input):
    """Whether two transactions are the ends of one own transfer."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "outTransactionId": "8f14e45f-ceea-4672-a0b5-1c6f2a9d3c77",
                "inTransactionId": "1d3f0c9a-9a53-4d9b-9a1e-0f0c4b1c2d3e",
                "decision": "confirmed",
            }
        }
    )

    out_transaction_id: UUID
    in_transaction_id: UUID
    decision: Literal["confirmed", "rejected"] = "confirmed"


class ImportIn(Input):
    """A file, or its first part: a body holds at most 1 MiB."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "format": "coinsphere",
                "fileName": "transactions.csv",
                "content": "date,type,token,amount,price\n2026-01-02T10:00:00Z,buy,BTC,0.00014884,61000\n",
            }
        }
    )

    format: Literal["coinsphere", "coinbase", "kraken", "binance", "koinly", "generic"]
    content: str = Field(min_length=1)
    file_name: Annotated[Line, StringConstraints(max_length=200)] | None = None
    mapping: dict[str, str] | None = Field(
        None, description="For `generic`: our columns to those of the file."
    )


class ImportPart(Input):
    """The next part of a file."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"content": "2026-01-03T10:00:00Z,buy,ETH,1,3000\n"}}
    )

    content: str = Field(min_length=1)


class ExportQuery(Query):
    """As what."""

    format: Literal["csv", "json"] = "csv"


class ShareIn(Input):
    """A link by which others see a portfolio."""

    model_config = ConfigDict(json_schema_extra={"example": {"hidesAmounts": True}})

    hides_amounts: bool = Field(default=True, description="Show shares of the whole only.")
    expires_at: AwareDatetime | None = None


# Answers


class HoldingTokenOut(Output):
    """The token of a holding; its price in US dollars."""

    id: UUID
    symbol: str
    name: str
    current_price: Amount | None
    price_change24h: Amount | None
    price_source: str | None
    price_updated_at: datetime | None
    logo_url: str | None


class HoldingOut(Output):
    """A holding in the portfolio's currency. What is unknown is null."""

    id: UUID
    portfolio_id: UUID
    amount: Amount
    average_buy_price: Amount | None
    source: str
    current_value: Amount | None
    cost_basis: Amount | None
    profit_loss: Amount | None
    profit_loss_percentage: Amount | None
    unrealized_pn_l: Amount | None
    is_stale: bool
    token: HoldingTokenOut
    created_at: datetime
    updated_at: datetime


class StatsOut(Output):
    """Sums over what is known."""

    total_value: Amount | None
    total_cost: Amount
    profit_loss: Amount | None
    profit_loss_percentage: Amount | None
    holdings_count: int


class PortfolioOut(Output):
    """A portfolio with what it holds."""

    id: UUID
    name: str
    description: str | None
    icon: str | None
    currency: str
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
    uncosted: list[str]
    is_pending: bool
    valued_at: datetime | None


def holding(found: Holding) -> dict[str, Any]:
    """A holding as `HoldingOut` takes it."""
    row = found.row
    return {
        "id": row.id,
        "portfolioId": row.portfolio_id,
        "amount": row.amount,
        "averageBuyPrice": row.average_buy_price,
        "source": row.source,
        "currentValue": found.current_value,
        "costBasis": found.cost_basis,
        "profitLoss": found.profit_loss,
        "profitLossPercentage": found.profit_loss_percentage,
        "unrealizedPnL": found.profit_loss,
        "isStale": found.is_stale,
        "token": {
            "id": row.token_id,
            "symbol": row.symbol,
            "name": row.name,
            "currentPrice": row.price,
            "priceChange24h": row.price_change_24h,
            "priceSource": row.price_source,
            "priceUpdatedAt": row.price_updated_at,
            "logoUrl": row.logo_url,
        },
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
    }


def portfolio(found: Portfolio, held: list[Holding], sums: Totals) -> dict[str, Any]:
    """A portfolio as the wire has it."""
    return {
        "id": found.id,
        "name": found.name,
        "description": found.description,
        "icon": found.icon,
        "currency": found.currency,
        "lotMethod": found.lot_method,
        "lotScope": found.lot_scope,
        "transferTolerance": found.transfer_tolerance,
        "transferHours": found.transfer_hours,
        "isActive": found.is_active,
        "createdAt": found.created_at,
        "updatedAt": found.updated_at,
        "holdings": [holding(each) for each in held],
        "stats": {
            "totalValue": sums.total_value,
            "totalCost": sums.total_cost,
            "profitLoss": sums.profit_loss,
            "profitLossPercentage": sums.profit_loss_percentage,
            "holdingsCount": sums.holdings_count,
        },
        "totalValue": sums.total_value,
        "change24h": sums.change_24h,
        "changePercent24h": sums.change_percent_24h,
        "assetCount": sums.asset_count,
        "transactionCount": found.transaction_count,
        "unpriced": sums.unpriced,
        "uncosted": sums.uncosted,
        "isPending": found.is_pending,
        "valuedAt": found.valued_at,
    }


_ID = "8f14e45f-ceea-4672-a0b5-1c6f2a9d3c77"
_AT = "2026-11-24T08:00:00Z"
_HOLDING: dict[str, Any] = {
    "id": "1d3f0c9a-9a53-4d9b-9a1e-0f0c4b1c2d3e",
    "portfolioId": _ID,
    "amount": 0.5,
    "averageBuyPrice": 40000,
    "source": "ledger",
    "currentValue": 30000,
    "costBasis": 20000,
    "profitLoss": 10000,
    "profitLossPercentage": 50,
    "unrealizedPnL": 10000,
    "isStale": False,
    "token": {
        "id": "0b9c3f0a-9a53-4d9b-9a1e-0f0c4b1c2d3e",
        "symbol": "BTC",
        "name": "Bitcoin",
        "currentPrice": 60000,
        "priceChange24h": 1.5,
        "priceSource": "binance",
        "priceUpdatedAt": _AT,
        "logoUrl": None,
    },
    "createdAt": _AT,
    "updatedAt": _AT,
}
_STATS = {
    "totalValue": 30000,
    "totalCost": 20000,
    "profitLoss": 10000,
    "profitLossPercentage": 50,
    "holdingsCount": 1,
}
_PORTFOLIO: dict[str, Any] = {
    "id": _ID,
    "name": "Long term",
    "description": None,
    "icon": None,
    "currency": "USD",
    "lotMethod": "fifo",
    "lotScope": "portfolio",
    "transferTolerance": 0.005,
    "transferHours": 20,
    "isActive": True,
    "createdAt": _AT,
    "updatedAt": _AT,
    "holdings": [_HOLDING],
    "stats": _STATS,
    "totalValue": 30000,
    "change24h": 443.35,
    "changePercent24h": 1.5,
    "assetCount": 1,
    "transactionCount": 1,
    "unpriced": [],
    "uncosted": [],
    "isPending": False,
    "valuedAt": _AT,
}


def _example(**body: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"example": body})


class PortfoliosOut(Output):
    """One's portfolios. Sums over all of them are null unless all have one currency."""

    model_config = _example(
        portfolios=[_PORTFOLIO], count=1, totalValue=30000, change24h=443.35, change24hPercentage=1.5,
        totalProfitLoss=10000, totalProfitLossPercentage=50,
    )  # fmt: skip

    portfolios: list[PortfolioOut]
    count: int
    total_value: Amount | None
    change24h: Amount | None
    change24h_percentage: Amount | None
    total_profit_loss: Amount | None
    total_profit_loss_percentage: Amount | None


class OnePortfolioOut(Output):
    """One portfolio."""

    model_config = _example(portfolio=_PORTFOLIO)

    portfolio: PortfolioOut


class HoldingsOut(Output):
    """What is held."""

    model_config = _example(holdings=[_HOLDING], count=1)

    holdings: list[HoldingOut]
    count: int


class OneHoldingOut(Output):
    """One holding."""

    model_config = _example(holding=_HOLDING)

    holding: HoldingOut


class AllocationPartOut(Output):
    """A token's part of the whole."""

    symbol: str
    name: str
    logo_url: str | None
    amount: Amount
    value: Amount
    percentage: Amount


class AllocationOut(Output):
    """What a portfolio is made of, the largest part first."""

    model_config = _example(
        totalValue=30000, currency="USD", unpriced=[],
        allocations=[
            {"symbol": "BTC", "name": "Bitcoin", "logoUrl": None, "amount": 0.5, "value": 30000, "percentage": 100}
        ],
    )  # fmt: skip

    total_value: Amount | None
    currency: str
    allocations: list[AllocationPartOut]
    unpriced: list[str]


class RateOut(Output):
    """A return in percent, or the reason why there is none."""

    percentage: Amount | None
    reason: str | None


class ReturnsOut(Output):
    """The returns of the closed days of a period, and the sums that they come from."""

    first_day: date
    last_day: date
    start_value: Amount
    end_value: Amount
    inflow: Amount
    outflow: Amount
    gain: Amount
    time_weighted: RateOut
    money_weighted: RateOut = Field(description="A year's rate (XIRR).")
    simple: RateOut


class PointOut(Output):
    """A day of the series; today's is live."""

    date: date
    value: Amount | None
    cost: Amount | None
    growth: Amount | None = Field(description="What 1 put in on the first day has become.")
    filled_assets: int
    unpriced_assets: int
    benchmark: Amount | None
    is_live: bool


class CashFlowOut(Output):
    """Money put in (negative) or taken out (positive)."""

    date: date
    amount: Amount


class SubPeriodOut(Output):
    """A day that the time-weighted return is chained of."""

    date: date
    invested: Amount
    result: Amount
    percentage: Amount | None


class ExplainOut(Output):
    """The trail of the returns."""

    cash_flows: list[CashFlowOut]
    sub_periods: list[SubPeriodOut]


class BenchmarkOut(Output):
    """What the same money would have become in a mix of tokens."""

    mix: str
    percentage: Amount | None
    reason: str | None


_RATE = {"percentage": 50, "reason": None}


class PerformanceOut(Output):
    """A portfolio over time."""

    model_config = _example(
        portfolioId=_ID, currency="USD", dataPoints=1,
        performance=[
            {"date": "2026-11-23", "value": 30000, "cost": 20000, "growth": 1.5, "filledAssets": 0, "unpricedAssets": 0,
             "benchmark": None, "isLive": False}
        ],
        returns={
            "firstDay": "2026-10-25", "lastDay": "2026-11-23", "startValue": 0, "endValue": 30000, "inflow": 20000,
            "outflow": 0, "gain": 10000, "timeWeighted": _RATE, "moneyWeighted": _RATE, "simple": _RATE,
        },
        unavailable=None, realisedGain=0, realisedUnknown=0, benchmark=None, explain=None, isPending=False,
    )  # fmt: skip

    portfolio_id: UUID
    currency: str
    data_points: int
    performance: list[PointOut]
    returns: ReturnsOut | None
    unavailable: str | None = Field(description="Why there are no returns.")
    realised_gain: Amount
    realised_unknown: int
    benchmark: BenchmarkOut | None
    explain: ExplainOut | None
    is_pending: bool


class DrawdownOut(Output):
    """The deepest fall from a peak."""

    percentage: float
    peak_day: date
    low_day: date


class RiskOut(Output):
    """Estimates of what may be lost; percentages, null under 30 days."""

    model_config = _example(
        portfolioId=_ID, currency="USD", days=364, volatility=41.2, sharpe=0.8, sortino=1.1, valueAtRisk95=3.4,
        expectedShortfall95=4.9, maxDrawdown={"percentage": 22.5, "peakDay": "2026-03-01", "lowDay": "2026-05-11"},
        concentration=0.52, correlations={"BTC": {"BTC": 1}}, method="historical",
    )  # fmt: skip

    portfolio_id: UUID
    currency: str
    days: int
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    value_at_risk95: float | None
    expected_shortfall95: float | None
    max_drawdown: DrawdownOut | None
    concentration: float | None
    correlations: dict[str, dict[str, float | None]]
    method: str


class ContributionOut(Output):
    """What one asset added."""

    symbol: str
    name: str
    start_value: Amount | None
    end_value: Amount | None
    inflow: Amount | None
    outflow: Amount | None
    income: Amount
    gain: Amount | None


class ContributionsOut(Output):
    """What each asset added in a period."""

    model_config = _example(
        currency="USD", firstDay="2026-10-25", lastDay="2026-11-23",
        contributions=[
            {"symbol": "BTC", "name": "Bitcoin", "startValue": 0, "endValue": 30000, "inflow": 20000, "outflow": 0,
             "income": 0, "gain": 10000}
        ],
    )  # fmt: skip

    currency: str
    first_day: date
    last_day: date
    contributions: list[ContributionOut]


class GainOut(Output):
    """A part of a lot that was sold, spent or lost."""

    token_symbol: str
    transaction_id: UUID
    kind: Use
    used_at: datetime
    acquired_at: datetime | None
    quantity: Amount
    cost: Amount | None
    proceeds: Amount | None
    gain: Amount | None


class GainsOut(Output):
    """Realised gains, the newest first."""

    model_config = _example(
        currency="USD", totalGain=500, unknown=0, nextCursor=None,
        gains=[
            {"tokenSymbol": "BTC", "transactionId": _ID, "kind": "sale", "usedAt": _AT, "acquiredAt": _AT,
             "quantity": 0.1, "cost": 5500, "proceeds": 6000, "gain": 500}
        ],
    )  # fmt: skip

    currency: str
    total_gain: Amount
    unknown: int = Field(description="Uses whose cost or proceeds are unknown: not in the sum.")
    gains: list[GainOut]
    next_cursor: str | None


class IssueOut(Output):
    """What somebody has to look at."""

    id: UUID
    kind: IssueKind
    state: str
    token_symbol: str
    transaction_id: UUID | None = Field(validation_alias="fact_id")
    amount: Amount | None
    message: str
    advice: str
    note: str | None
    found_at: datetime
    settled_at: datetime | None


_ISSUE = {
    "id": _ID,
    "kind": "missing_cost",
    "state": "open",
    "tokenSymbol": "BTC",
    "transactionId": _ID,
    "amount": 0.5,
    "message": "What 0.5 BTC received on 2026-11-01 10:00 UTC cost is not known.",
    "advice": "Give the transaction a price; gains of what it brought are unknown until then.",
    "note": None,
    "foundAt": _AT,
    "settledAt": None,
}


class IssuesOut(Output):
    """Issues, the newest first."""

    model_config = _example(issues=[_ISSUE], nextCursor=None)

    issues: list[IssueOut]
    next_cursor: str | None


class OneIssueOut(Output):
    """One issue."""

    model_config = _example(issue=_ISSUE)

    issue: IssueOut


class SyncStartedOut(Output):
    """A sync that was asked for."""

    model_config = _example(message="Sync initiated", jobId=_ID, estimatedCompletionTime=_AT)

    message: str
    job_id: UUID
    estimated_completion_time: datetime


class SyncOut(Output):
    """How far a sync is."""

    model_config = _example(
        status="succeeded", startedAt=_AT, finishedAt=_AT, imported=0, error=None
    )

    status: Literal["queued", "running", "succeeded", "failed"]
    started_at: datetime | None
    finished_at: datetime | None
    imported: int
    error: str | None


class ProblemOut(Output):
    """What is wrong with a line of a file."""

    line: int
    column: str | None
    message: str


class BatchOut(Output):
    """An import and how far it is."""

    id: UUID
    format: str
    file_name: str | None
    status: Literal["previewed", "queued", "running", "succeeded", "failed"]
    rows_total: int
    rows_done: int
    rows_imported: int
    rows_known: int
    problems: list[ProblemOut]
    problem_count: int
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class ExampleOut(Output):
    """A transaction that a file tells."""

    line: int
    type: str
    token_symbol: str
    amount: Amount
    price: Amount | None
    currency: str
    timestamp: datetime


class PreviewOut(Output):
    """What an import would do."""

    rows: int
    transactions: int
    known: int
    problem_count: int
    problems: list[ProblemOut]
    examples: list[ExampleOut]


_BATCH = {
    "id": _ID, "format": "coinsphere", "fileName": "transactions.csv", "status": "previewed", "rowsTotal": 0,
    "rowsDone": 0, "rowsImported": 0, "rowsKnown": 0, "problems": [], "problemCount": 0, "error": None,
    "createdAt": _AT, "startedAt": None, "finishedAt": None,
}  # fmt: skip


class ImportOut(Output):
    """An import; with a preview while it waits to be confirmed."""

    model_config = _example(**{"import": _BATCH, "preview": None})

    batch: BatchOut = Field(alias="import")
    preview: PreviewOut | None


class ImportsOut(Output):
    """Imports, the newest first."""

    model_config = _example(imports=[_BATCH])

    imports: list[BatchOut]


class ShareOut(Output):
    """A link; `url` and `secret` are shown once, when it is made."""

    id: UUID
    hides_amounts: bool
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    secret: str | None = None
    url: str | None = None


_SHARE = {
    "id": _ID, "hidesAmounts": True, "createdAt": _AT, "expiresAt": None, "revokedAt": None, "secret": "…",
    "url": "https://app.example.com/shared/…",
}  # fmt: skip


class OneShareOut(Output):
    """One link."""

    model_config = _example(share=_SHARE)

    share: ShareOut


class SharesOut(Output):
    """Links, the newest first."""

    model_config = _example(shares=[_SHARE])

    shares: list[ShareOut]


class SharedPartOut(Output):
    """A token of a shared portfolio; amount and value are null where they are hidden."""

    symbol: str
    name: str
    logo_url: str | None
    percentage: Amount | None
    amount: Amount | None
    value: Amount | None


class SharedPointOut(Output):
    """A day of a shared portfolio."""

    date: date
    growth: Amount | None
    value: Amount | None


class SharedOut(Output):
    """A portfolio as others see it."""

    model_config = _example(
        name="Long term", currency="USD", hidesAmounts=True, totalValue=None,
        allocations=[
            {"symbol": "BTC", "name": "Bitcoin", "logoUrl": None, "percentage": 100, "amount": None, "value": None}
        ],
        performance=[{"date": "2026-11-23", "growth": 1.5, "value": None}], unpriced=[],
    )  # fmt: skip

    name: str
    currency: str
    hides_amounts: bool
    total_value: Amount | None
    allocations: list[SharedPartOut]
    performance: list[SharedPointOut]
    unpriced: list[str]
