"""Forecasts that were stored, what became of them, and how right a model has been."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from webapi.http.schema import Amount, Output
from webapi.predictions.schemas import Bounds, Timeframe


class StoredOut(Output):
    """A forecast as it was issued, and what came."""

    id: UUID | None = Field(description="Null where it was held out.")
    days_ahead: int = Field(validation_alias="horizon_days")
    origin_at: datetime
    target_at: datetime
    issued_at: datetime
    reference_price: Amount
    predicted_price: Amount = Field(validation_alias="median")
    interval80: Bounds
    interval95: Bounds
    realised_price: Amount | None = Field(
        description="The close of the target's day; null until it is final, and where that day was not traded. A corrected "
        "close is shown corrected, with `asOf` as it was believed then."
    )
    error: Amount | None = Field(description="`predictedPrice` less `realisedPrice`.")
    within80: bool | None = Field(description="Whether `realisedPrice` lay in `interval80`.")
    within95: bool | None
    pinball_loss: Amount | None = Field(
        description="Mean over the five quantiles, of log returns; smaller is better."
    )
    probability_below: Amount | None = Field(
        description="What the forecast gave to prices below `realisedPrice`, straight between its quantiles: over many "
        "honest forecasts, every value is as frequent as any other."
    )
    model_name: str
    model_version: int
    algorithm: str
    run_id: str
    data_digest: str
    code_version: str
    price_source: str
    is_backfill: bool = Field(description="Issued after its outcome: no proof of anything.")
    held_out: bool = Field(
        description="Never issued: the model was judged by it before it served, on days that it had not seen."
    )


_STORED: dict[str, Any] = {
    "id": "6f4a3a0e-6a0c-4a53-9a1e-2d1c0b9a8f7e",
    "daysAhead": 1,
    "originAt": "2026-11-23T00:00:00Z",
    "targetAt": "2026-11-24T00:00:00Z",
    "issuedAt": "2026-11-23T00:12:00Z",
    "referencePrice": 90500,
    "predictedPrice": 90510,
    "interval80": [88200, 92900],
    "interval95": [86400, 94700],
    "realisedPrice": 91000,
    "error": -490,
    "within80": True,
    "within95": True,
    "pinballLoss": 0.00413,
    "probabilityBelow": 0.582,
    "modelName": "price-btc",
    "modelVersion": 3,
    "algorithm": "lstm",
    "runId": "4f1c0c7c9a5f4f0f9d3c3a0b7a1e2d3c",
    "dataDigest": "3f1d…",
    "codeVersion": "9a1f0c3",
    "priceSource": "binance",
    "isBackfill": False,
    "heldOut": False,
}


class StoredOneOut(StoredOut):
    """A stored forecast with its token."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"symbol": "BTC", "timeframe": "24h", **_STORED}}
    )

    symbol: str
    timeframe: Timeframe


class StoredListOut(Output):
    """Forecasts of one horizon: those that were issued, newest first, and behind them those that were held out."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "symbol": "BTC",
                "timeframe": "24h",
                "predictions": [_STORED],
                "nextCursor": None,
            }
        }
    )

    symbol: str
    timeframe: Timeframe
    predictions: list[StoredOut]
    next_cursor: str | None


_FIGURES: dict[str, Any] = {
    "forecasts": 29,
    "meanAbsoluteError": 1200.5,
    "meanAbsolutePercentageError": 1.35,
    "coverage80": 0.79,
    "coverage95": 0.97,
    "naiveMeanAbsoluteError": 1195.1,
    "skillVsNaive": -0.0045,
    "pinballLoss": 0.0061,
    "randomWalkPinballLoss": 0.0062,
    "skillVsRandomWalk": 0.0161,
    "firstTargetAt": "2026-10-26T00:00:00Z",
    "lastTargetAt": "2026-11-24T00:00:00Z",
    "heldOut": False,
}


class FiguresOut(Output):
    """How forecasts of one horizon fared; null where none has met its outcome yet."""

    forecasts: int = Field(description="Forecasts whose outcome is known.")
    mean_absolute_error: Amount | None = Field(None, description="US dollars.")
    mean_absolute_percentage_error: Amount | None = None
    coverage80: Amount | None = Field(
        None, description="Part of outcomes within the 80 % interval."
    )
    coverage95: Amount | None = None
    naive_mean_absolute_error: Amount | None = Field(
        None, description='Of "tomorrow equals today" on the same days.'
    )
    skill_vs_naive: Amount | None = Field(
        None,
        description="1 less the ratio of both errors: of medians alone, so 0 for a model whose median is today's price.",
    )
    pinball_loss: Amount | None = Field(
        None, description="Of the whole distribution: mean over the five quantiles, of log returns."
    )
    random_walk_pinball_loss: Amount | None = Field(
        None,
        description="Of a random walk with EWMA volatility on the same days; null for a token's own model.",
    )
    skill_vs_random_walk: Amount | None = Field(
        None, description="1 less the ratio of both pinball losses."
    )
    first_target_at: datetime | None = None
    last_target_at: datetime | None = None
    held_out: bool = Field(
        default=False,
        description="Whether these forecasts were never issued: they are those by which the model was judged before it "
        "served, on days that it had not seen.",
    )


class AccuracyOut(FiguresOut):
    """How the forecasts of one horizon fared: those that were issued, or, while none of them has met its outcome, the held-out."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "symbol": "BTC",
                "timeframe": "24h",
                "days": 30,
                **_FIGURES,
                "heldOutOrigins": {**_FIGURES, "forecasts": 154, "heldOut": True},
            }
        }
    )

    symbol: str
    timeframe: Timeframe
    days: int
    held_out_origins: FiguresOut | None = Field(
        None,
        description="All held-out forecasts of the version that speaks, whatever `days` says; null where none are kept. "
        "Of the global model they are of its walk-forward, so of models that were fitted as it was on what was known then.",
    )
