"""Request and response bodies of `/tokens`."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    HttpUrl,
    StringConstraints,
    TypeAdapter,
)

from webapi.http.schema import Amount, Input, Instant, Line, Name, Output, Query
from webapi.http.visible import VISIBLE, WHOLLY_VISIBLE

LISTED: dict[str, Any] = {
    "id": "0b7f5a4e-3c0b-4f0e-8d6a-6f1f4b3f2b11",
    "symbol": "BTC",
    "name": "Bitcoin",
    "blockchain": "Bitcoin",
    "logoUrl": None,
    "currentPrice": 91234.56,
    "marketCap": 1800000000000,
    "volume24h": 35000000000,
    "priceChange24h": -1.25,
    "priceSource": "binance",
    "priceUpdatedAt": "2026-11-24T08:00:00Z",
    "setAside": None,
}

_DETAIL: dict[str, Any] = {
    **LISTED,
    "coingeckoId": "bitcoin",
    "contractAddress": None,
    "decimals": 8,
    "ath": 126080,
    "athDate": "2025-10-06T18:57:42Z",
    "atl": 67.81,
    "atlDate": "2013-07-06T00:00:00Z",
    "circulatingSupply": 19950000,
    "totalSupply": 19950000,
    "maxSupply": 21000000,
    "isActive": True,
    "createdAt": "2026-11-23T08:00:00Z",
    "updatedAt": "2026-11-23T08:00:00Z",
}

AS_OF = "What was known then: nothing that was recorded later counts, and what was corrected since is as it was believed."
Frame = Literal["1h", "24h", "7d", "30d", "90d", "1y", "all"]
SPANS: dict[str, timedelta | None] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
    "1y": timedelta(days=365),
    "all": None,
}
FINER = ("1h", "24h", "7d", "30d")
"""Frames that are drawn from candles of minutes or hours where there are enough of them."""

_url = TypeAdapter(HttpUrl)


def _web_address(text: str) -> str:
    _url.validate_python(text)
    return text


Short = Annotated[Line, StringConstraints(min_length=1, max_length=50), VISIBLE]
CoingeckoId = Annotated[Line, StringConstraints(min_length=1, max_length=100), WHOLLY_VISIBLE]
Contract = Annotated[Line, StringConstraints(min_length=1, max_length=128), WHOLLY_VISIBLE]
LogoUrl = Annotated[Line, StringConstraints(max_length=500), AfterValidator(_web_address)]
Symbol = Annotated[
    Line, StringConstraints(min_length=1, max_length=20, pattern=r"^\S+$"), WHOLLY_VISIBLE
]


class ListQuery(Query):
    """Which tokens."""

    q: Annotated[Line, StringConstraints(max_length=100)] | None = Field(
        None, description="Looked for in symbol, name and CoinGecko id."
    )
    limit: int = Field(200, ge=1, le=200)
    cursor: Annotated[Line, StringConstraints(max_length=500)] | None = Field(
        None, description="`nextCursor` of the page before."
    )


class HistoryQuery(Query):
    """Which part of the history."""

    timeframe: Frame = Field("7d", description="Measured back from the newest candle.")
    as_of: Instant | None = Field(None, description=AS_OF)


class HistoryFileQuery(HistoryQuery):
    """Which part of the history, and as what."""

    format: Literal["json", "parquet", "arrow"] | None = Field(
        None,
        description="`parquet` and `arrow` have every candle of the frame, unmerged. By default what `Accept` asks for.",
    )
    interval: Literal["1h", "1d"] | None = Field(
        None,
        description="Width of a file's candles; by default an hour for frames up to 30 days, else a day. JSON chooses itself.",
    )


class TokenIn(Input):
    """A new token."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "symbol": "GRT",
                "name": "The Graph",
                "blockchain": "Ethereum",
                "coingeckoId": "the-graph",
                "contractAddress": "0xc944E90C64B2c07662A292be6244BDf05Cda44a7",
                "decimals": 18,
            }
        }
    )

    symbol: Symbol
    name: Name
    blockchain: Short
    coingecko_id: CoingeckoId | None = None
    contract_address: Contract | None = None
    decimals: int | None = Field(None, ge=0, le=36, strict=True)
    logo_url: LogoUrl | None = None


class ListedTokenOut(Output):
    """A token with its price in US dollars; what is unknown is null, never zero."""

    id: UUID
    symbol: str
    name: str
    blockchain: str
    logo_url: str | None
    current_price: Amount | None
    market_cap: Amount | None
    volume_24h: Amount | None = Field(description="US dollars traded in 24 hours.")
    price_change_24h: Amount | None = Field(description="Percent.")
    price_source: str | None = Field(description="`simulated` where prices are made up.")
    price_updated_at: datetime | None
    set_aside: str | None = Field(
        None,
        description="Why parts of its data are used by nothing for now; null where nothing is set aside.",
    )


class TokensOut(Output):
    """A page of tokens, by market cap, unknown last."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"tokens": [LISTED], "nextCursor": None}}
    )

    tokens: list[ListedTokenOut]
    next_cursor: str | None


class TokenOut(ListedTokenOut):
    """All that is known of a token."""

    coingecko_id: str | None
    contract_address: str | None
    decimals: int | None
    ath: Amount | None
    ath_date: datetime | None
    atl: Amount | None
    atl_date: datetime | None
    circulating_supply: Amount | None
    total_supply: Amount | None
    max_supply: Amount | None
    is_active: bool = Field(description="False: no longer asked for; its price is the last one.")
    created_at: datetime
    updated_at: datetime


class DetailOut(TokenOut):
    """A token, once as `token` and once at the top level, where an old page reads it."""

    model_config = ConfigDict(json_schema_extra={"example": {**_DETAIL, "token": _DETAIL}})

    token: TokenOut


class CreatedOut(Output):
    """A new token."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "token": {
                    **_DETAIL,
                    **dict.fromkeys(
                        ("currentPrice", "marketCap", "volume24h", "priceChange24h", "priceSource")
                    ),
                    **dict.fromkeys(("priceUpdatedAt", "ath", "athDate", "atl", "atlDate")),
                    **dict.fromkeys(("circulatingSupply", "totalSupply", "maxSupply")),
                    "symbol": "GRT",
                    "name": "The Graph",
                    "blockchain": "Ethereum",
                    "coingeckoId": "the-graph",
                    "contractAddress": "0xc944E90C64B2c07662A292be6244BDf05Cda44a7",
                    "decimals": 18,
                }
            }
        }
    )

    token: TokenOut


class PricePointOut(Output):
    """One candle, or several in a row merged to one."""

    time: int = Field(description="When it opened, milliseconds since 1970.")
    price: Amount = Field(description="Its close.")
    open: Amount
    high: Amount
    low: Amount
    close: Amount
    volume: Amount | None = Field(description="Units of the token; null where unknown.")
    source: str
    filled: bool = Field(description="No trade is known in a part of it: the close before goes on.")


class HistoryOut(Output):
    """Candles, ascending, at most 1,000."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "symbol": "BTC",
                "timeframe": "7d",
                "interval": "1h",
                "currentPrice": 91234.56,
                "priceSource": "binance",
                "dataPoints": 1,
                "priceHistory": [
                    {
                        "time": 1795507200000,
                        "price": 91234.56,
                        "open": 91000,
                        "high": 91300.5,
                        "low": 90950,
                        "close": 91234.56,
                        "volume": 812.4,
                        "source": "binance",
                        "filled": False,
                    }
                ],
            }
        }
    )

    symbol: str
    timeframe: Frame
    interval: Literal["1m", "5m", "1h", "1d"] | None = Field(
        description="Candles that the points are made of; null where there are none. Those of minutes are made of the "
        "price that venues agreed on each minute and have no volume."
    )
    current_price: Amount | None
    price_source: str | None
    data_points: int
    price_history: list[PricePointOut]
