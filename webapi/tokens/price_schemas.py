"""Request and response bodies of a token's price."""

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from webapi.http.schema import Amount, Instant, Output, Query
from webapi.tokens.schemas import AS_OF


class PriceQuery(Query):
    """Which price."""

    at: Instant | None = Field(None, description="The price at that instant; now by default.")
    as_of: Instant | None = Field(None, description=AS_OF)
    explain: bool = Field(
        default=False, description="Each venue's quote, with its weight or why it was left out."
    )


class ConstituentOut(Output):
    """What one market of a venue said, and its part in the price."""

    venue: str = Field(description="The exchange.")
    currency: str = Field(description="The venue's quote currency.")
    quoted: Amount | None = Field(description="The last trade, in that currency.")
    bid: Amount | None = Field(description="Best price that somebody pays, in that currency.")
    ask: Amount | None = Field(description="Best price that somebody sells for, in that currency.")
    rate: Amount | None = Field(
        description="US dollars for a unit of the currency, as agreed on before."
    )
    price: Amount | None = Field(description="US dollars.")
    volume_24h: Amount | None = Field(description="US dollars.")
    weight: Amount = Field(description="Of all votes together 1; 0 where it did not vote.")
    left_out: str | None = Field(description="Why it did not vote.")
    apart: Amount | None = Field(description="Basis points from the price that was agreed on.")
    noise: Amount = Field(description="Its usual distance, in basis points.")
    observed_at: datetime
    age: float = Field(description="Seconds.")


class PriceOut(Output):
    """A price in US dollars at an instant, and what stands behind it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "symbol": "BTC",
                "price": 91234.56,
                "confidence": 12.5,
                "state": "ok",
                "quorum": 3,
                "madeOf": "consensus",
                "source": "consensus",
                "method": 1,
                "agreedAt": "2026-11-24T08:00:00Z",
                "recordedAt": "2026-11-24T08:00:01Z",
                "jump": None,
                "candidate": None,
                "constituents": None,
            }
        }
    )

    symbol: str
    price: Amount | None
    confidence: Amount | None = Field(
        description="Half of all votes lie no further from the price on either side; null where one source gave it."
    )
    state: Literal["ok", "thin", "single", "stale"] = Field(
        description="`ok`: a quorum agrees; `thin`: fewer; `single`: one; `stale`: nobody, it is the last price."
    )
    quorum: int = Field(description="Venues that voted.")
    made_of: Literal["consensus", "candle"] = Field(
        description="What venues agreed on, or the last candle's close."
    )
    source: str
    method: int | None = Field(description="Version of the rule.")
    agreed_at: datetime | None = Field(description="The instant that it is the price of.")
    recorded_at: datetime = Field(description="When it was stored.")
    jump: Literal["waiting", "confirmed"] | None = Field(
        description="`waiting`: `candidate` has still to be confirmed, and the price before stands."
    )
    candidate: Amount | None = Field(description="The price after a jump that waits.")
    constituents: list[ConstituentOut] | None = Field(description="Null unless asked for.")
