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


def of_portfolio(conn: Connection, found: Portfolio, owner: UUID, now: datetime) -> dict[str, Any]:
    """What `ForecastOut` says of a portfolio, but whose and when it is.

    Args:
        conn: a transaction that acts for `owner`.
        found: the portfolio.
        owner: whose it is.
        now: the present instant.
    """
    held = queries.holdings(conn, owner, [found])[found.id]
    today = now.date()
    year = Period(owner, found.id, today - timedelta(days=_CORRELATED_DAYS - 1), today)
    total = sum(map(float, current_holdings.weights(held).values()))
    body = describe(conn, weights.largest(conn, held, year), total, now)
    unpriced = sorted({each.row.symbol for each in held if each.current_value is None})
    body["leftOut"] += [{"symbol": symbol, "reason": NO_PRICE} for symbol in unpriced]
    return body


def describe(
    conn: Connection, held: Sequence[WeightedHolding], total: float, now: datetime
) -> dict[str, Any]:
    """The distributions by horizon with their inputs, and what is left out.

    Args:
        conn: a connection.
        held: the largest assets.
        total: what all assets that have a price are worth.
        now: the present instant.
    """
    kept = _known(held)
    scores = forecast_risk.joint_scores([_asset(each, None, 1) for each in kept]) if kept else None
    left: list[dict[str, str | None]] = [
        {"symbol": each.symbol, "reason": _TOO_YOUNG} for each in held if each not in kept
    ]
    if total > sum(each.value for each in held) * (1 + 1e-9):
        left.append({"symbol": None, "reason": _SMALL})
    return {
        "value": sum(each.value for each in kept),
        "totalValue": total,
        "unavailable": _NOTHING if scores is None else None,
        "horizons": []
        if scores is None
        else [_of(conn, kept, scores, horizon, now) for horizon in HORIZONS],
        "leftOut": left,
        "method": METHOD,
        "copulaDegrees": forecast_risk.COPULA_DEGREES,
        "draws": forecast_risk.DRAWS,
        "seed": forecast_risk.SEED,
    }


def _known(held: Sequence[WeightedHolding]) -> list[WeightedHolding]:
    """The assets of which it is known how they move together."""
    enough = [each for each in held if len(each.moves) >= LEAST_DAYS and each.value > 0]
    by_id = {str(each.token_id): each for each in enough}
    assets = [
        Asset(key, each.value, ObservedDistribution(()), each.moves) for key, each in by_id.items()
    ]
    return [by_id[asset.symbol] for asset in forecast_risk.familiar(assets)]


def _of(
    conn: Connection, kept: Sequence[WeightedHolding], scores: Any, horizon: int, now: datetime
) -> dict[str, Any]:
    known = stored_forecasts.newest(conn, [each.token_id for each in kept], now, horizon)
    assets = [_asset(each, known.get(each.token_id), horizon, now) for each in kept]
    made = forecast_risk.distribution(forecast_risk.portfolio_returns(scores, assets))
    value = sum(each.value for each in kept)
    levels = [f"{level:g}" for level in QUANTILES]
    modelled = sum(each.value for each in kept if each.token_id in known)
    return {
        "daysAhead": horizon,
        "targetAt": max((each.target_at for each in known.values()), default=None),
        "quantiles": {
            level: value * (1 + quantile)
            for level, quantile in zip(levels, made.quantiles, strict=True)
        },
        "valueAtRisk95": 100 * made.value_at_risk95,
        "expectedShortfall95": 100 * made.expected_shortfall95,
        "valueAtRisk99": 100 * made.value_at_risk99,
        "expectedShortfall99": 100 * made.expected_shortfall99,
        "coveredPercentage": 100 * modelled / value,
        "inputs": [forecast_based.input_of(each, known.get(each.token_id), value) for each in kept],
    }


def _asset(
    each: WeightedHolding, forecast: Forecast | None, horizon: int, now: datetime | None = None
) -> Asset:
    if forecast is not None and now is not None:
        marginal = forecast.marginal(forecast.share_left(now))
        return Asset(each.symbol, each.value, marginal, each.moves)
    # Around today's price, as wide as the root of the days says: a mean of the past foretells nothing.
    returns = np.log1p(list(each.moves.values()))
    spread = (returns - returns.mean()) * horizon**0.5
    return Asset(each.symbol, each.value, ObservedDistribution(tuple(spread.tolist())), each.moves)
