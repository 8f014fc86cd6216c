"""A portfolio's risk by the models' forecasts of its assets, with the inputs it is computed from."""

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
    conn: Connection, holdings: Sequence[WeightedHolding], total: float, now: datetime
) -> dict[str, Any]:
    """The figures with their inputs and omissions, or the reason why there are none.

    Args:
        conn: a connection.
        holdings: the largest assets.
        total: what all assets are worth.
        now: the present instant.
    """
    forecasts = stored_forecasts.newest(conn, [holding.token_id for holding in holdings], now)
    simulated = _familiar(holdings, forecasts)
    tail = forecast_risk.Tail(None, None, _why(holdings, simulated, forecasts, total))
    if tail.unavailable is None:
        tail = forecast_risk.tail(
            [_asset(holding, forecasts.get(holding.token_id)) for holding in simulated]
        )
    covered = sum(holding.value for holding in simulated if holding.token_id in forecasts)
    return {
        "valueAtRisk95": _percent(tail.value_at_risk),
        "expectedShortfall95": _percent(tail.expected_shortfall),
        "unavailable": tail.unavailable,
        "method": METHOD,
        "copulaDegrees": forecast_risk.COPULA_DEGREES,
        "draws": forecast_risk.DRAWS,
        "seed": forecast_risk.SEED,
        "coveredPercentage": 100 * covered / total if total > 0 else None,
        "inputs": [
            input_of(holding, forecasts.get(holding.token_id), total) for holding in simulated
        ],
        "leftOut": _left_out(holdings, simulated, forecasts, total),
    }


def _familiar(
    holdings: Sequence[WeightedHolding], forecasts: Mapping[UUID, Forecast]
) -> list[WeightedHolding]:
    """The assets that have a distribution, and of which it is known how they move together."""
    candidates = {
        str(holding.token_id): holding
        for holding in holdings
        if holding.value > 0 and (holding.token_id in forecasts or len(holding.moves) >= LEAST_DAYS)
    }
    assets = [
        Asset(key, holding.value, ObservedDistribution(()), holding.moves)
        for key, holding in candidates.items()
    ]
    return [candidates[asset.symbol] for asset in forecast_risk.familiar(assets)]


def _left_out(
    holdings: Sequence[WeightedHolding],
    simulated: Sequence[WeightedHolding],
    forecasts: Mapping[UUID, Forecast],
    total: float,
) -> list[dict[str, Any]]:
    left_out: list[dict[str, Any]] = [
        {
            "symbol": holding.symbol,
            "percentage": 100 * holding.value / total if total > 0 else None,
            "reason": _reason(holding, forecasts),
        }
        for holding in holdings
        if holding not in simulated
    ]
    small = total - sum(holding.value for holding in holdings)
    if small > total * _ROUNDING:
        left_out.append({"symbol": None, "percentage": 100 * small / total, "reason": _SMALL})
    return left_out


def _reason(holding: WeightedHolding, forecasts: Mapping[UUID, Forecast]) -> str:
    is_young = holding.token_id not in forecasts and len(holding.moves) < LEAST_DAYS
    return _TOO_YOUNG if is_young else _STRANGER


def _why(
    holdings: Sequence[WeightedHolding],
    simulated: Sequence[WeightedHolding],
    forecasts: Mapping[UUID, Forecast],
    total: float,
) -> str | None:
    """The reason why there are no figures."""
    if total > 0 and not forecasts:
        return _NO_FORECAST
    share = sum(holding.value for holding in simulated) / total if total > 0 else 1.0
    if share >= _LEAST_COVERED:
        return None
    names = ", ".join(holding.symbol for holding in holdings if holding not in simulated)
    return (
        f"enough is known of {100 * share:.0f} % of the value only, under {100 * _LEAST_COVERED:.0f} %: of {names} there "
        f"are no forecasts, and under {LEAST_DAYS} days of prices"
    )


def _asset(holding: WeightedHolding, forecast: Forecast | None) -> Asset:
    if forecast is not None:
        return Asset(holding.symbol, holding.value, forecast.marginal(), holding.moves)
    past = ObservedDistribution(tuple(np.log1p(list(holding.moves.values())).tolist()))
    return Asset(holding.symbol, holding.value, past, holding.moves)


def input_of(holding: WeightedHolding, forecast: Forecast | None, total: float) -> dict[str, Any]:
    """An asset with its forecast; None in place of one where its own history is used."""
    return {
        "symbol": holding.symbol,
        "percentage": 100 * holding.value / total if total > 0 else None,
        "source": "history" if forecast is None else "model",
        "days": len(holding.moves),
        "model": None if forecast is None else forecast.model_name,
        "modelVersion": None if forecast is None else str(forecast.model_version),
        "originAt": None if forecast is None else forecast.origin_at,
        "issuedAt": None if forecast is None else forecast.issued_at,
        "targetAt": None if forecast is None else forecast.target_at,
    }


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction
