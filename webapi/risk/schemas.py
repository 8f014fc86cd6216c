"""Request and response bodies of `/risk`."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from webapi.http.schema import Amount, Input, Output
from webapi.tokens.schemas import Symbol

Level = Literal["safe", "low", "medium", "high", "extreme"]
MAX_SYMBOLS = 50

_RISK: dict[str, Any] = {
    "symbol": "BTC",
    "name": "Bitcoin",
    "riskScore": {
        "overallScore": 27.4,
        "riskLevel": "low",
        "components": {
            "volatilityScore": 41.2,
            "drawdownScore": 35.6,
            "tailScore": 22.3,
            "liquidityScore": 0,
            "marketCapScore": 0,
            "volumeScore": 18.5,
        },
        "analysis": {
            "summary": "BTC is a low risk: 27.4 of 100.",
            "warnings": [],
            "insights": ["Riskiest of its parts: volatility, 41.2 of 100."],
        },
    },
    "volatility": 0.618,
    "asOf": "2026-11-23",
    "timestamp": "2026-11-24T00:10:00Z",
    "priceSource": "binance",
}


class RiskBatchIn(Input):
    """Which tokens."""

    model_config = ConfigDict(json_schema_extra={"example": {"symbols": ["BTC", "ETH"]}})

    symbols: Annotated[list[Symbol], Field(min_length=1, max_length=MAX_SYMBOLS)]


class ComponentsOut(Output):
    """The parts of a score, 0 (safe) to 100; null where unknown, and then left out of the whole."""

    volatility_score: Amount | None
    drawdown_score: Amount | None
    tail_score: Amount | None
    liquidity_score: Amount | None
    market_cap_score: Amount | None
    volume_score: Amount | None


class AnalysisOut(Output):
    """The score in words, which say what the numbers say and nothing else."""

    summary: str
    warnings: list[str]
    insights: list[str]


class RiskScoreOut(Output):
    """A score and its parts; higher is riskier."""

    overall_score: Amount
    risk_level: Level
    components: ComponentsOut
    analysis: AnalysisOut


class RiskOut(Output):
    """How risky a token is."""

    model_config = ConfigDict(json_schema_extra={"example": _RISK})

    symbol: str
    name: str
    risk_score: RiskScoreOut
    volatility: Amount | None = Field(
        description="Annualised volatility of the last 30 days, a fraction."
    )
    as_of: str = Field(description="Newest day that the score knows.")
    timestamp: datetime = Field(description="When it was computed.")
    price_source: str


class FailureOut(Output):
    """A symbol without an answer, and why."""

    symbol: str
    status: int
    error: str


class RisksOut(Output):
    """Scores in the order asked for, and what could not be answered."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "risks": [_RISK],
                "errors": [{"symbol": "NOPE", "status": 404, "error": "token NOPE not found"}],
                "count": 1,
            }
        }
    )

    risks: list[RiskOut]
    errors: list[FailureOut]
    count: int
