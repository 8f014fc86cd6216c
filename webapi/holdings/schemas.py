"""Request and response bodies of `/holdings`."""

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from webapi.http.schema import Amount, Input, Instant, Line, NotKeptOut, Number, Output
from webapi.portfolios.examples import AT, ID, example


class HoldingIn(Input):
    """A holding by hand: an opening balance."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"tokenSymbol": "BTC", "amount": "0.00014884", "averageBuyPrice": 61000}
        }
    )

    old_names: ClassVar = {"assetSymbol": "tokenSymbol"}

    token_symbol: Line | None = None
    asset_symbol: Line | None = Field(None, description="Old name of `tokenSymbol`.")
    amount: Number = Field(gt=0)
    average_buy_price: Number | None = Field(
        None, ge=0, description="In the portfolio's currency; null where it is not known."
    )
    source: Literal["manual"] = "manual"
    acquired_at: Instant | None = Field(None, description="Default: now.")


class HoldingChange(Input):
    """The new amount, the new average price, or both."""

    model_config = ConfigDict(json_schema_extra={"example": {"amount": "0.5"}})

    amount: Number | None = Field(None, gt=0)
    average_buy_price: Number | None = Field(None, ge=0)


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

    id: UUID | None = Field(description="Null with `asOf`, as are both times: it is computed.")
    portfolio_id: UUID
    amount: Amount
    average_buy_price: Amount | None
    source: str
    current_value: Amount | None
    cost_basis: Amount | None
    profit_loss: Amount | None
    profit_loss_percentage: Amount | None
    profit_loss_reason: str | None = Field(
        description="Why `profitLossPercentage` is null; null where it is not."
    )
    unrealized_pn_l: Amount | None
    is_stale: bool
    missing_rate: str | None = Field(
        description="The currency without an exchange rate, for want of which amounts are null."
    )
    token: HoldingTokenOut
    created_at: datetime | None
    updated_at: datetime | None


HOLDING: dict[str, Any] = {
    "id": "1d3f0c9a-9a53-4d9b-9a1e-0f0c4b1c2d3e",
    "portfolioId": ID,
    "amount": 0.5,
    "averageBuyPrice": 40000,
    "source": "ledger",
    "currentValue": 30000,
    "costBasis": 20000,
    "profitLoss": 10000,
    "profitLossPercentage": 50,
    "profitLossReason": None,
    "unrealizedPnL": 10000,
    "isStale": False,
    "missingRate": None,
    "token": {
        "id": "0b9c3f0a-9a53-4d9b-9a1e-0f0c4b1c2d3e",
        "symbol": "BTC",
        "name": "Bitcoin",
        "currentPrice": 60000,
        "priceChange24h": 1.5,
        "priceSource": "binance",
        "priceUpdatedAt": AT,
        "logoUrl": None,
    },
    "createdAt": AT,
    "updatedAt": AT,
}


class HoldingsOut(Output):
    """What is held."""

    model_config = example(holdings=[HOLDING], count=1, notKept=[])

    holdings: list[HoldingOut]
    count: int
    not_kept: list[NotKeptOut]


class OneHoldingOut(Output):
    """One holding."""

    model_config = example(holding=HOLDING)

    holding: HoldingOut
