"""The model server's answer: a forecast anchored at the newest price, with its model, what that reached, and its expiry."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

import msgspec

from coinsphere.clock import iso
from coinsphere.decimals import plain
from coinsphere.market import anchoring
from ml.evaluation.results import Forecast, Score
from ml.registry.global_registry import NAME, Loaded
from ml.registry.token_registry import Champion
from ml.serving.global_forecasting import Outlook
from ml.serving.ladder import Rung

Quantiles = Callable[[Decimal, float], Mapping[str, Decimal]]
"""Prices by level, from the price that a forecast starts from and the share of its horizon that is still to come."""

_FRACTION_DIGITS = 6


class Dated(Protocol):
    """What starts somewhere and looks some days ahead."""

    @property
    def origin_at(self) -> datetime:
        """Close of the last day that is known."""
        ...

    @property
    def horizon_days(self) -> int:
        """Days ahead."""
        ...


@dataclass(frozen=True, slots=True)
class Anchor:
    """The price that an answer starts from and when it was seen; and the stored forecast of the same version, if any."""

    price: Decimal
    observed_at: datetime
    prediction_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """What a rung of the ladder says of a token at a horizon, before it is anchored.

    Attributes:
        rung: whose it is.
        symbol: of the token.
        horizon_days: from the origin.
        origin_at: close of the last day that it knows.
        algorithm: of the model.
        data_cutoff: close of the last day that the model learned from.
        price_source: of the candles.
        model: which model, as the answer shows it.
        quality: the figures that it reached, as the answer shows them.
        quantiles: gives prices by level from a price and the share of the horizon that is still to come.
        factors: what moved it.
    """

    rung: Rung
    symbol: str
    horizon_days: int
    origin_at: datetime
    algorithm: str
    data_cutoff: datetime
    price_source: str
    model: Mapping[str, Any] = field(repr=False)
    quality: Mapping[str, Any] = field(repr=False)
    quantiles: Quantiles = field(repr=False)
    factors: Sequence[str] = ()


def of_token(
    champion: Champion,
    made: Forecast,
    quantiles: Quantiles,
    *,
    familiar: bool,
    factors: Sequence[str] = (),
) -> Statement:
    """What a token's own champion says."""
    facts = champion.facts
    return Statement(
        Rung.TOKEN_CHAMPION,
        made.token.symbol,
        made.horizon_days,
        made.origin_at,
        facts.algorithm,
        facts.data_cutoff,
        made.price_source,
        {
            "name": champion.model_name,
            "version": champion.version,
            "runId": facts.run_id,
            "trainedAt": facts.trained_at,
            "dataCutoff": facts.data_cutoff,
            "codeVersion": facts.code_version,
            "dataDigest": facts.data_digest,
            "inputDigest": made.input_digest,
        },
        _of_score(champion.scores.get(made.horizon_days), familiar=familiar),
        quantiles,
        factors,
    )


def of_everyone(
    rung: Rung, loaded: Loaded, outlook: Outlook, source: str, digest: str
) -> Statement:
    """What a version of the global model says.

    Args:
        rung: as which it speaks.
        loaded: the version.
        outlook: of the token and horizon.
        source: of the candles.
        digest: of the panel that the outlook was computed from.
    """
    facts, figures = loaded.version.facts, loaded.version.quality(outlook.horizon_days)
    return Statement(
        rung,
        outlook.symbol,
        outlook.horizon_days,
        outlook.origin_at,
        facts.model,
        facts.data_cutoff,
        source,
        {
            "name": NAME,
            "version": loaded.number,
            "runId": facts.run_id,
            "trainedAt": facts.trained_at,
            "dataCutoff": facts.data_cutoff,
            "codeVersion": facts.code_version,
            "dataDigest": facts.data_digest,
            "inputDigest": digest,
            "dagsterRunId": facts.dagster_run_id,
        },
        {
            "coverage80": figures and fraction(figures.coverage80),
            "coverage95": figures and fraction(figures.coverage95),
            "skillVsNaive": figures and fraction(figures.skill),
            "evaluatedOn": loaded.version.evaluated_on,
            "inDistribution": outlook.in_distribution,
            "beatsNaive": figures and figures.skill > 0,
        },
        outlook.quantiles,
        outlook.factors,
    )


def answer(
    said: Statement, anchor: Anchor, *, reason: str | None, now: datetime, expiry_days: int
) -> dict[str, Any]:
    """The answer as JSON holds it.

    Args:
        said: by the rung that stands.
        anchor: the price that it starts from.
        reason: why no global champion speaks at this horizon; None where one does.
        now: decides whether the answer is stale.
        expiry_days: age of the model's data cut-off past which it is.
    """
    start = anchoring.horizon_start(said.origin_at, anchor.observed_at)
    length = timedelta(days=said.horizon_days)
    expires_at = expiry(said, said.data_cutoff, expiry_days)
    return {
        "symbol": said.symbol,
        "daysAhead": said.horizon_days,
        "algorithm": said.algorithm,
        "referencePrice": anchor.price,
        "originAt": said.origin_at,
        "anchoredAt": anchor.observed_at,
        "issuedAt": now,
        "targetAt": start + length,
        "quantiles": said.quantiles(
            anchor.price, anchoring.share_left(start, length, anchor.observed_at)
        ),
        "factors": list(said.factors),
        "model": {**said.model, "rung": said.rung.value},
        "quality": {**said.quality, "validated": reason is None, "reason": reason},
        "predictionId": anchor.prediction_id and str(anchor.prediction_id),
        "expiresAt": expires_at,
        "stale": now >= expires_at,
        "priceSource": said.price_source,
    }


def expiry(forecast: Dated, data_cutoff: datetime, expiry_days: int) -> datetime:
    """When the forecast is no longer to be trusted: its origin or its model's data is too old.

    The origin may be one day old and a seventh of the horizon more: 1, 2, 3 and 5 days for 1, 7, 14 and 30. A forecast
    of one day is stale when that day is over.
    """
    origin = forecast.origin_at + timedelta(days=1 + forecast.horizon_days // 7)
    return min(origin, data_cutoff + timedelta(days=expiry_days))


def encode(value: Mapping[str, Any]) -> bytes:
    """JSON in UTF-8: decimals as numbers with all their digits and no exponent, instants with `Z`."""
    return msgspec.json.encode(_plain(value))


def fraction(value: float) -> Decimal:
    """A share with as many digits as mean anything."""
    return round(Decimal(value), _FRACTION_DIGITS)


def _of_score(score: Score | None, *, familiar: bool) -> dict[str, Any]:
    """Held-out figures of the horizon; null where they are unknown."""
    if score is None:
        names = ("coverage80", "coverage95", "skillVsNaive", "evaluatedOn", "beatsNaive")
        return {**dict.fromkeys(names), "inDistribution": familiar}
    return {
        "coverage80": fraction(score.coverage80),
        "coverage95": fraction(score.coverage95),
        "skillVsNaive": fraction(score.skill_vs_naive),
        # An ISO 8601 interval: the first and the last day that a scored forecast started from.
        "evaluatedOn": f"{score.first_origin}/{score.last_origin}",
        "inDistribution": familiar,
        "beatsNaive": score.skill_vs_naive > 0,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return msgspec.Raw(plain(value).encode())
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
