"""What a portfolio may lose by the models' forecasts of its assets, and from what that was computed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from psycopg import Connection

from coinsphere.portfolio.performance import forecast_risk, stored_forecasts
from coinsphere.portfolio.performance.forecast_risk import Asset, ObservedDistribution
from coinsphere.portfolio.performance.risk import LEAST_DAYS
from coinsphere.portfolio.performance.stored_forecasts import Forecast
from webapi.portfolios.risk.schemas import METHOD
from webapi.portfolios.weighed import Weighed

_NO_FORECAST = "no forecast of the next day is in force for any of the assets"


def describe(
    conn: Connection, held: Sequence[Weighed], total: float, now: datetime
) -> dict[str, Any]:
    """The figures with their inputs, or the reason why there are none.

    Args:
        conn: a connection.
        held: the largest assets.
        total: what all assets are worth.
        now: the present instant.
    """
    known = stored_forecasts.newest(conn, [each.token_id for each in held], now)
    found = forecast_risk.Tail(None, None, _why(held, known))
    if found.unavailable is None:
        found = forecast_risk.tail([_asset(each, known.get(each.token_id)) for each in held])
    covered = sum(each.value for each in held if each.token_id in known)
    return {
        "valueAtRisk95": _percent(found.value_at_risk),
        "expectedShortfall95": _percent(found.expected_shortfall),
        "unavailable": found.unavailable,
        "method": METHOD,
        "copulaDegrees": forecast_risk.COPULA_DEGREES,
        "draws": forecast_risk.DRAWS,
        "seed": forecast_risk.SEED,
        "coveredPercentage": 100 * covered / total if total > 0 else None,
        "inputs": [input_of(each, known.get(each.token_id), total) for each in held],
    }


def _why(held: Sequence[Weighed], known: Mapping[UUID, Forecast]) -> str | None:
    if not known:
        return _NO_FORECAST
    unknown = [
        each.symbol for each in held if each.token_id not in known and len(each.moves) < LEAST_DAYS
    ]
    if unknown:
        return f"{unknown[0]} has no forecast, and under {LEAST_DAYS} days of prices"
    return None


def _asset(each: Weighed, forecast: Forecast | None) -> Asset:
    if forecast is not None:
        return Asset(each.symbol, each.value, forecast.marginal(), each.moves)
    past = ObservedDistribution(tuple(np.log1p(list(each.moves.values())).tolist()))
    return Asset(each.symbol, each.value, past, each.moves)


def input_of(each: Weighed, forecast: Forecast | None, total: float) -> dict[str, Any]:
    """An asset, and the forecast that stands for it; None where its own history does."""
    return {
        "symbol": each.symbol,
        "percentage": 100 * each.value / total if total > 0 else None,
        "source": "history" if forecast is None else "model",
        "days": len(each.moves),
        "model": None if forecast is None else forecast.model_name,
        "modelVersion": None if forecast is None else str(forecast.model_version),
        "originAt": None if forecast is None else forecast.origin_at,
        "issuedAt": None if forecast is None else forecast.issued_at,
        "targetAt": None if forecast is None else forecast.target_at,
    }


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction
