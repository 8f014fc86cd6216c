"""The model server's answer: a forecast with its model, the figures that the model reached, and when it grows stale."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from coinsphere.clock import iso
from coinsphere.decimals import plain
from ml.registry import Champion
from ml.results import Forecast, Score

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


def answer(
    champion: Champion, forecast: Forecast, *, familiar: bool, now: datetime, expiry_days: int
) -> dict[str, Any]:
    """The answer as JSON holds it; `familiar` says whether the model was trained on days like these.

    Args:
        champion: the model.
        forecast: made by it.
        familiar: becomes `inDistribution`.
        now: decides whether the answer is stale.
        expiry_days: age of the model's data cut-off past which it is.
    """
    expires_at = expiry(forecast, champion.facts.data_cutoff, expiry_days)
    return {
        "symbol": forecast.token.symbol,
        "daysAhead": forecast.horizon_days,
        "algorithm": forecast.algorithm,
        "referencePrice": forecast.reference_price,
        "originAt": forecast.origin_at,
        "issuedAt": now,
        "targetAt": forecast.target_at,
        "quantiles": forecast.quantiles,
        "factors": [],
        "model": _model(champion),
        "quality": _quality(champion.scores.get(forecast.horizon_days), familiar=familiar),
        "expiresAt": expires_at,
        "stale": now >= expires_at,
        "priceSource": forecast.price_source,
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


def _model(champion: Champion) -> dict[str, Any]:
    facts = champion.facts
    return {
        "name": champion.model_name,
        "version": champion.version,
        "runId": facts.run_id,
        "trainedAt": facts.trained_at,
        "dataCutoff": facts.data_cutoff,
        "codeVersion": facts.code_version,
        "dataDigest": facts.data_digest,
    }


def _quality(score: Score | None, *, familiar: bool) -> dict[str, Any]:
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


def fraction(value: float) -> Decimal:
    """A share with as many digits as mean anything."""
    return round(Decimal(value), _FRACTION_DIGITS)


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
