"""The distribution of a portfolio's value at each horizon, and the inputs it was computed from."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from psycopg import Connection

from coinsphere.i18n import N_
from coinsphere.portfolio.performance import forecast_risk, stored_forecasts
from coinsphere.portfolio.performance.forecast_risk import QUANTILES, Asset, ObservedDistribution
from coinsphere.portfolio.performance.period import Period
from coinsphere.portfolio.performance.risk import LEAST_DAYS
from coinsphere.portfolio.performance.stored_forecasts import Forecast
from coinsphere.portfolio.portfolios import Portfolio
from coinsphere.portfolio.valuation import current_holdings
from webapi.portfolios import queries, weights
from webapi.portfolios.forecast.schemas import METHOD
from webapi.portfolios.risk import forecast_based
from webapi.portfolios.weights import SIMULATED, WeightedHolding

HORIZONS = (1, 7, 14, 30)
_CORRELATED_DAYS = 365
NO_PRICE = N_("it has no price")
_TOO_YOUNG = f"it has under {LEAST_DAYS} days of prices in common with what is held beside it"
_NOTHING = N_("nothing is held of which enough is known")
_SMALL = f"only the {SIMULATED} largest are simulated"


def of_portfolio(
    conn: Connection, portfolio: Portfolio, owner: UUID, now: datetime
) -> dict[str, Any]:
    """The fields of `ForecastOut` for a portfolio, except its id and the instant.

    Args:
        conn: a transaction that acts for `owner`.
        portfolio: the portfolio.
        owner: whose it is.
        now: the present instant.
    """
    holdings = queries.holdings(conn, owner, [portfolio])[portfolio.id]
    today = now.date()
    year = Period(owner, portfolio.id, today - timedelta(days=_CORRELATED_DAYS - 1), today)
    total = sum(map(float, current_holdings.weights(holdings).values()))
    body = describe(conn, weights.largest(conn, holdings, year), total, now)
    unpriced = sorted({holding.row.symbol for holding in holdings if holding.current_value is None})
    body["leftOut"] += [{"symbol": symbol, "reason": NO_PRICE} for symbol in unpriced]
    return body


def describe(
    conn: Connection, holdings: Sequence[WeightedHolding], total: float, now: datetime
) -> dict[str, Any]:
    """The distributions by horizon with their inputs, and the assets left out.

    Args:
        conn: a connection.
        holdings: the largest assets.
        total: what all assets that have a price are worth.
        now: the present instant.
    """
    simulated = _known(holdings)
    draws = (
        forecast_risk.joint_draws([_asset(holding, None, 1) for holding in simulated])
        if simulated
        else None
    )
    return {
        "value": sum(holding.value for holding in simulated),
        "totalValue": total,
        "unavailable": _NOTHING if draws is None else None,
        "horizons": []
        if draws is None
        else [_of(conn, simulated, draws, horizon, now) for horizon in HORIZONS],
        "leftOut": _left_out(holdings, simulated, total),
        "method": METHOD,
        "copulaDegrees": forecast_risk.COPULA_DEGREES,
        "draws": forecast_risk.DRAWS,
        "seed": forecast_risk.SEED,
    }


def _known(holdings: Sequence[WeightedHolding]) -> list[WeightedHolding]:
    """The assets whose dependence on the others is known."""
    candidates = [
        holding for holding in holdings if len(holding.moves) >= LEAST_DAYS and holding.value > 0
    ]
    by_id = {str(holding.token_id): holding for holding in candidates}
    assets = [
        Asset(key, holding.value, ObservedDistribution(()), holding.moves)
        for key, holding in by_id.items()
    ]
    return [by_id[asset.symbol] for asset in forecast_risk.familiar(assets)]


def _left_out(
    holdings: Sequence[WeightedHolding], simulated: Sequence[WeightedHolding], total: float
) -> list[dict[str, str | None]]:
    left_out: list[dict[str, str | None]] = [
        {"symbol": holding.symbol, "reason": _TOO_YOUNG}
        for holding in holdings
        if holding not in simulated
    ]
    if total > sum(holding.value for holding in holdings) * (1 + 1e-9):
        left_out.append({"symbol": None, "reason": _SMALL})
    return left_out


def _of(
    conn: Connection, simulated: Sequence[WeightedHolding], draws: Any, horizon: int, now: datetime
) -> dict[str, Any]:
    forecasts = stored_forecasts.newest(
        conn, [holding.token_id for holding in simulated], now, horizon
    )
    assets = [
        _asset(holding, forecasts.get(holding.token_id), horizon, now) for holding in simulated
    ]
    distribution = forecast_risk.distribution(forecast_risk.portfolio_returns(draws, assets))
    value = sum(holding.value for holding in simulated)
    modelled = sum(holding.value for holding in simulated if holding.token_id in forecasts)
    return {
        "daysAhead": horizon,
        "targetAt": max((holding.target_at for holding in forecasts.values()), default=None),
        **_figures(distribution, value),
        "coveredPercentage": 100 * modelled / value,
        "inputs": [
            forecast_based.input_of(holding, forecasts.get(holding.token_id), value)
            for holding in simulated
        ],
    }


def _figures(distribution: forecast_risk.ReturnDistribution, value: float) -> dict[str, Any]:
    """Quantiles of the portfolio's value in its currency, and possible losses in percent."""
    levels = [f"{level:g}" for level in QUANTILES]
    return {
        "quantiles": {
            level: value * (1 + quantile)
            for level, quantile in zip(levels, distribution.quantiles, strict=True)
        },
        "valueAtRisk95": 100 * distribution.value_at_risk95,
        "expectedShortfall95": 100 * distribution.expected_shortfall95,
        "valueAtRisk99": 100 * distribution.value_at_risk99,
        "expectedShortfall99": 100 * distribution.expected_shortfall99,
    }


def _asset(
    holding: WeightedHolding, forecast: Forecast | None, horizon: int, now: datetime | None = None
) -> Asset:
    if forecast is not None and now is not None:
        marginal = forecast.marginal(forecast.share_left(now))
        return Asset(holding.symbol, holding.value, marginal, holding.moves)
    # Around today's price, as wide as the root of the days says: a mean of the past foretells nothing.
    returns = np.log1p(list(holding.moves.values()))
    spread = (returns - returns.mean()) * horizon**0.5
    return Asset(
        holding.symbol, holding.value, ObservedDistribution(tuple(spread.tolist())), holding.moves
    )
