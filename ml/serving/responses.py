"""The model server's answer: a forecast anchored at the newest price, with its model, what that reached, and its expiry."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

import msgspec

from coinsphere.clock import iso
from coinsphere.market import anchoring
from coinsphere.parsing.decimals import plain
from ml.registry.global_registry import Loaded
from ml.registry.token_registry import Champion
from ml.registry.versions import VersionInfo
from ml.serving.forecasting import Distribution
from ml.serving.ladder import Rung

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
        version: that says it.
        expected: what it expects.
        price_source: of the candles.
        input_digest: of the candles that it was computed from.
        quality: the figures that the version reached, as the answer shows them.
    """

    rung: Rung
    version: VersionInfo
    expected: Distribution
    price_source: str
    input_digest: str
    quality: Mapping[str, Any] = field(repr=False)


def answer(
    statement: Statement, anchor: Anchor, *, reason: str | None, now: datetime, expiry_days: int
) -> dict[str, Any]:
    """The answer as JSON holds it.

    Args:
        statement: by the rung that stands.
        anchor: the price that it starts from.
        reason: why no global champion speaks at this horizon; None where one does.
        now: decides whether the answer is stale.
        expiry_days: age of the model's data cut-off past which it is.
    """
    expected, version = statement.expected, statement.version
    start = anchoring.horizon_start(expected.origin_at, anchor.observed_at)
    length = timedelta(days=expected.horizon_days)
    expires_at = expiry(expected, version.data_cutoff, expiry_days)
    share = anchoring.share_left(start, length, anchor.observed_at)
    return {
        "symbol": expected.symbol,
        "daysAhead": expected.horizon_days,
        "algorithm": version.algorithm,
        "referencePrice": anchor.price,
        "originAt": expected.origin_at,
        "anchoredAt": anchor.observed_at,
        "issuedAt": now,
        "targetAt": start + length,
        "quantiles": expected.quantiles(anchor.price, share),
        "factors": list(expected.factors),
        "model": {
            **_of_version(version),
            "inputDigest": statement.input_digest,
            "rung": statement.rung.value,
        },
        "quality": {**statement.quality, "validated": reason is None, "reason": reason},
        "predictionId": anchor.prediction_id and str(anchor.prediction_id),
        "expiresAt": expires_at,
        "stale": now >= expires_at,
        "priceSource": statement.price_source,
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


def _of_version(version: VersionInfo) -> dict[str, Any]:
    shown = {
        "name": version.name,
        "version": version.number,
        "runId": version.run_id,
        "trainedAt": version.trained_at,
        "dataCutoff": version.data_cutoff,
        "codeVersion": version.code_version,
        "dataDigest": version.data_digest,
    }
    if version.dagster_run_id is not None:
        shown["dagsterRunId"] = version.dagster_run_id
    return shown


def quality_of_figures(loaded: Loaded, expected: Distribution) -> dict[str, Any]:
    """What a version of the global model reached in its walk-forward; null where it was not walked forward."""
    figures = loaded.version.quality(expected.horizon_days)
    return {
        "coverage80": figures and fraction(figures.coverage80),
        "coverage95": figures and fraction(figures.coverage95),
        "skillVsNaive": figures and fraction(figures.skill),
        "evaluatedOn": loaded.version.evaluated_on,
        "inDistribution": expected.in_distribution,
        "beatsNaive": figures and figures.skill > 0,
    }


def quality_of_scores(champion: Champion, expected: Distribution) -> dict[str, Any]:
    """Held-out figures of the horizon; null where they are unknown."""
    score, familiar = champion.scores.get(expected.horizon_days), expected.in_distribution
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
