"""Request and response bodies of `/predictions`."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from webapi.http.schema import Amount, Input, Instant, Line, NotKeptOut, Output, Query
from webapi.predictions.examples import PREDICTION
from webapi.risk.schemas import FailureOut
from webapi.tokens.schemas import AS_OF, Symbol

Timeframe = Literal["24h", "7d", "14d", "30d"]
DAYS: dict[str, int] = {"24h": 1, "7d": 7, "14d": 14, "30d": 30}
FRAMES = {days: frame for frame, days in DAYS.items()}
MAX_SYMBOLS = 20

Side = Literal["bullish", "bearish", "neutral"]
# Lower and upper end, as a plain array of two: few makers of clients know `prefixItems`.
Bounds = Annotated[list[Amount], Field(min_length=2, max_length=2)]


class _Horizon:
    """How far ahead, by either name; 24 hours where neither is given."""

    timeframe: Timeframe | None
    days_ahead: int | None

    @property
    def horizon(self) -> int:
        """Days ahead."""
        if self.days_ahead is not None:
            return self.days_ahead
        return DAYS[self.timeframe or "24h"]


def _agree(timeframe: str | None, days_ahead: int | None) -> None:
    if days_ahead is not None and days_ahead not in FRAMES:
        raise ValueError("daysAhead must be 1, 7, 14 or 30")
    if timeframe is not None and days_ahead is not None and DAYS[timeframe] != days_ahead:
        raise ValueError("timeframe and daysAhead contradict each other")


class HorizonQuery(Query, _Horizon):
    """How far ahead."""

    timeframe: Timeframe | None = Field(None, description="Default 24h.")
    days_ahead: int | None = Field(None, description="1, 7, 14 or 30, instead of `timeframe`.")

    @model_validator(mode="after")
    def _check(self) -> "HorizonQuery":
        _agree(self.timeframe, self.days_ahead)
        return self


class PredictionQuery(HorizonQuery):
    """Which forecast."""

    as_of: Instant | None = Field(
        None,
        description=f"{AS_OF} What was not kept with a forecast is null, and `notKept` says why.",
    )


class HistoryQuery(HorizonQuery):
    """Which forecasts."""

    limit: int = Field(50, ge=1, le=200)
    cursor: Annotated[Line, StringConstraints(max_length=500)] | None = Field(
        None, description="`nextCursor` of the page before."
    )
    as_of: Instant | None = Field(None, description=AS_OF)


class AccuracyQuery(HorizonQuery):
    """Which forecasts."""

    days: int = Field(30, ge=1, le=3650, description="Targets of the last so many days.")


class BatchIn(Input, _Horizon):
    """Which tokens, and how far ahead."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"symbols": ["BTC", "ETH"], "timeframe": "24h"}}
    )

    symbols: Annotated[list[Symbol], Field(min_length=1, max_length=MAX_SYMBOLS)]
    timeframe: Timeframe | None = None
    days_ahead: int | None = Field(None, strict=True)

    @model_validator(mode="after")
    def _check(self) -> "BatchIn":
        _agree(self.timeframe, self.days_ahead)
        return self


class MacdOut(Output):
    """MACD 12/26 and its signal over 9 days, US dollars."""

    value: float
    signal: float | None


class BandsOut(Output):
    """Bollinger bands 20/2, US dollars."""

    upper: float | None
    middle: float | None
    lower: float | None


class ExactIndicatorsOut(Output):
    """The numbers as the warehouse holds them."""

    rsi: float | None
    macd: MacdOut | None
    bollinger_bands: BandsOut | None


class IndicatorsOut(Output):
    """Technical indicators of the newest final day; null where the history is too short."""

    rsi: float | None = Field(description="One decimal; all digits are in `exact`.")
    macd: MacdOut | None = Field(
        description="To cents, or to the fifth digit of a price below 100 dollars; all digits are in `exact`."
    )
    trend: Side | None = Field(
        description="From the close against its mean of 20 days and the MACD against its signal; no forecast."
    )
    bollinger_bands: BandsOut | None = Field(description="As many decimals as in `macd`.")
    volume_trend: Literal["increasing", "stable", "decreasing"] | None
    as_of: str
    exact: ExactIndicatorsOut


class QuantilesOut(Output):
    """Prices that are not exceeded with the probability in their names."""

    p025: Amount = Field(serialization_alias="0.025")
    p10: Amount = Field(serialization_alias="0.1")
    p50: Amount = Field(serialization_alias="0.5")
    p90: Amount = Field(serialization_alias="0.9")
    p975: Amount = Field(serialization_alias="0.975")


class ForecastOut(Output):
    """What the champion says."""

    predicted_price: Amount = Field(description="The median of the distribution.")
    change: Amount = Field(description="`predictedPrice` less `referencePrice`.")
    change_percent: Amount
    confidence: Amount = Field(
        description="Percent; see `confidence` at the top level, which is the same as a fraction."
    )
    direction: Side
    factors: list[str] = Field(description="What the model itself names; most name nothing.")
    note: str | None = Field(description="What one should know before believing the forecast.")
    technical_indicators: IndicatorsOut | None
    model_version: str
    quantiles: QuantilesOut
    interval80: Bounds
    interval95: Bounds


class ModelOut(Output):
    """The model behind the forecast, and what it was made from."""

    rung: Literal["global_champion", "token_champion", "global_baseline"] | None = Field(
        description="Who speaks, the best first: a version of the global model that passed its gates at this horizon, the "
        "token's own champion, or a random walk with the volatility of the last weeks."
    )
    name: str
    version: str
    algorithm: str
    run_id: str
    trained_at: datetime | None
    data_cutoff: datetime | str | None
    code_version: str | None
    data_digest: str | None


class QualityOut(Output):
    """What the model reached on data that it had not seen; `skillVsNaive` against "tomorrow equals today"."""

    coverage80: Amount | None
    coverage95: Amount | None
    skill_vs_naive: Amount | None
    evaluated_on: str | None
    in_distribution: bool | None
    beats_naive: bool | None
    validated: bool | None = Field(
        description="Whether the model passed all gates at this horizon."
    )
    reason: str | None = Field(
        description="Where it did not: which gate refused the global model, and by how much."
    )


class PredictionOut(Output):
    """A forecast of the champion; every number of it is the model's own, or follows from its distribution."""

    model_config = ConfigDict(json_schema_extra={"example": PREDICTION})

    symbol: str
    name: str
    current_price: Amount = Field(
        description="The newest good quote, or the last close where there is none: everything here is against it."
    )
    price_source: str | None
    reference_price: Amount = Field(description="The same as `currentPrice`.")
    origin_at: datetime = Field(description="Close of the last day that the model knows.")
    anchored_at: datetime = Field(description="When `currentPrice` was seen.")
    target_at: datetime
    prediction: ForecastOut
    predicted_price: Amount
    prediction_change: Amount
    prediction_change_percent: Amount
    confidence: Amount = Field(
        description="The probability that the model's distribution gives to the stated direction: of a price above "
        "`referencePrice` for bullish, below it for bearish, of the likelier side for neutral; interpolated from the "
        "quantiles. A direction is stated from 0.55 on."
    )
    days_ahead: int
    timeframe: Timeframe
    timestamp: datetime = Field(description="When the forecast was issued.")
    model: ModelOut
    quality: QualityOut
    prediction_id: UUID | None = Field(
        description="The forecast as it was stored after the close, before it was anchored; null where none was stored. "
        "`/predictions/by-id/{id}` gives it, `coinsphere ml reproduce` computes it again."
    )
    expires_at: datetime
    stale: bool = Field(description="Whether the forecast has expired.")
    not_kept: list[NotKeptOut]


class BatchOut(Output):
    """Forecasts in the order asked for, and what could not be answered."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "predictions": [PREDICTION],
                "errors": [{"symbol": "NOPE", "status": 404, "error": "token NOPE not found"}],
                "count": 1,
                "timeframe": "24h",
            }
        }
    )

    predictions: list[PredictionOut]
    errors: list[FailureOut]
    count: int
    timeframe: Timeframe
