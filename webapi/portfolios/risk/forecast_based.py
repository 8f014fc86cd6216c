"""A portfolio's possible loss by the models' forecasts of its assets, and the inputs it was computed from."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from psycopg import Connection

from coinsphere.i18n import N_
from coinsphere.portfolio.performance import forecast_risk, stored_forecasts
from coinsphere.portfolio.performance.forecast_risk import Asset, ObservedDistribution
from coinsphere.portfolio.performance.risk import LEAST_DAYS
from coinsphere.portfolio.performance.stored_forecasts import Forecast
from webapi.portfolios.risk.schemas import METHOD
from webapi.portfolios.weights import SIMULATED, WeightedHolding

_NO_FORECAST = N_("no forecast of the next day is in force for any of the assets")
_TOO_YOUNG = f"it has no forecast, and under {LEAST_DAYS} days of prices"
_STRANGER = f"it has under {LEAST_DAYS} days of prices in common with what is held beside it"
_SMALL = f"only the {SIMULATED} largest are simulated"
_LEAST_COVERED = 0.5
"""Of the value: figures of less would say little of the portfolio."""
_ROUNDING = 1e-9


def describe(
    conn: Connection, held: Sequence[WeightedHolding], total: float, now: datetime
) -> dict[str, Any]:
    """The figures with their inputs, what they leave out, or the reason why there are none.

    Args:
        conn: a connection.
        held: the largest assets.
        total: what all assets are worth.
        now: the present instant.
    """
    known = stored_forecasts.newest(conn, [each.token_id for each in held], now)
    kept = _familiar(held, known)
    found = forecast_risk.Tail(None, None, _why(held, kept, known, total))
    if found.unavailable is None:
        found = forecast_risk.tail([_asset(each, known.get(each.token_id)) for each in kept])
    covered = sum(each.value for each in kept if each.token_id in known)
    return {
        "valueAtRisk95": _percent(found.value_at_risk),
        "expectedShortfall95": _percent(found.expected_shortfall),
        "unavailable": found.unavailable,
        "method": METHOD,
        "copulaDegrees": forecast_risk.COPULA_DEGREES,
        "draws": forecast_risk.DRAWS,
        "seed": forecast_risk.SEED,
        "coveredPercentage": 100 * covered / total if total > 0 else None,
        "inputs": [input_of(each, known.get(each.token_id), total) for each in kept],
        "leftOut": _left_out(held, kept, known, total),
    }


def _familiar(
    held: Sequence[WeightedHolding], known: Mapping[UUID, Forecast]
) -> list[WeightedHolding]:
    """The assets that have a distribution, and of which it is known how they move together."""
    enough = {
        str(each.token_id): each
        for each in held
        if each.value > 0 and (each.token_id in known or len(each.moves) >= LEAST_DAYS)
    }
    assets = [
        Asset(key, each.value, ObservedDistribution(()), each.moves) for key, each in enough.items()
    ]
    return [enough[asset.symbol] for asset in forecast_risk.familiar(assets)]


def _left_out(
    held: Sequence[WeightedHolding],
    kept: Sequence[WeightedHolding],
    known: Mapping[UUID, Forecast],
    total: float,
) -> list[dict[str, Any]]:
    left: list[dict[str, Any]] = [
        {
            "symbol": each.symbol,
            "percentage": 100 * each.value / total if total > 0 else None,
            "reason": _reason(each, known),
        }
        for each in held
        if each not in kept
    ]
    small = total - sum(each.value for each in held)
    if small > total * _ROUNDING:
        left.append({"symbol": None, "percentage": 100 * small / total, "reason": _SMALL})
    return left


def _reason(each: WeightedHolding, known: Mapping[UUID, Forecast]) -> str:
    is_young = each.token_id not in known and len(each.moves) < LEAST_DAYS
    return _TOO_YOUNG if is_young else _STRANGER


def _why(
    held: Sequence[WeightedHolding],
    kept: Sequence[WeightedHolding],
    known: Mapping[UUID, Forecast],
    total: float,
) -> str | None:
    """Why there are no figures."""
    if total > 0 and not known:
        return _NO_FORECAST
    share = sum(each.value for each in kept) / total if total > 0 else 1.0
    if share >= _LEAST_COVERED:
        return None
    names = ", ".join(each.symbol for each in held if each not in kept)
    return (
        f"enough is known of {100 * share:.0f} % of the value only, under {100 * _LEAST_COVERED:.0f} %: of {names} there "
        f"are no forecasts, and under {LEAST_DAYS} days of prices"
    )


def _asset(each: WeightedHolding, forecast: Forecast | None) -> Asset:
    if forecast is not None:
        return Asset(each.symbol, each.value, forecast.marginal(), each.moves)
    past = ObservedDistribution(tuple(np.log1p(list(each.moves.values())).tolist()))
    return Asset(each.symbol, each.value, past, each.moves)


def input_of(each: WeightedHolding, forecast: Forecast | None, total: float) -> dict[str, Any]:
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
