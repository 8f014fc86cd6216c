"""Risk of a portfolio: how much it may lose."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from coinsphere.portfolio.performance import risk, stored_days
from coinsphere.portfolio.performance.risk import Drawdown
from coinsphere.portfolio.valuation import current_holdings
from webapi.portfolios import periods, queries, scope, weights
from webapi.portfolios.periods import PeriodQuery
from webapi.portfolios.risk import forecast_based, schemas
from webapi.security.access import signed_in
from webapi.services import services

blueprint = APIBlueprint("portfolio_risk", __name__, tag="Portfolios")

_CORRELATED = 20
"""Assets whose correlations are given: the largest."""


@blueprint.get("/<portfolio_id>/risk")
@signed_in
@blueprint.input(PeriodQuery, location="query")
@blueprint.output(schemas.PortfolioRiskOut)
def get_risk(portfolio_id: str, query_data: PeriodQuery) -> Response:
    """How much a portfolio may lose: by its own history, null under 30 days of it, and by the models' forecasts."""
    with scope.connection() as conn:
        portfolio = scope.find(conn, portfolio_id)
        period = periods.of(portfolio, query_data, usual=365)
        grown = stored_days.growth(conn, period)
        holdings = queries.holdings(conn, scope.user_id(), [portfolio])[portfolio.id]
        shares = [float(value) for value in current_holdings.weights(holdings).values()]
        largest = weights.largest(conn, holdings, period)
        expected = forecast_based.describe(conn, largest, sum(shares), services().clock())
    judged = risk.assess([each.day for each in grown], [each.growth for each in grown])
    moves = {each.symbol: each.moves for each in largest[:_CORRELATED]}
    body = {
        "portfolioId": portfolio.id,
        "currency": portfolio.currency,
        **_by_history(judged),
        "concentration": risk.concentration(shares),
        "correlations": risk.correlations(moves),
        "unavailable": judged.unavailable,
        "method": "historical",
        "byModels": expected,
    }
    return scope.tagged(body)


def _by_history(judged: risk.Risk) -> dict[str, Any]:
    """The figures from the portfolio's own days, in percent where `PortfolioRiskOut` says so."""
    return {
        "days": judged.days,
        "volatility": _percent(judged.volatility),
        "sharpe": judged.sharpe,
        "sortino": judged.sortino,
        "valueAtRisk95": _percent(judged.value_at_risk),
        "expectedShortfall95": _percent(judged.expected_shortfall),
        "maxDrawdown": _fall(judged.drawdown),
    }


def _fall(drawdown: Drawdown | None) -> dict[str, Any] | None:
    if drawdown is None:
        return None
    return {
        "percentage": _percent(drawdown.depth),
        "peakDay": drawdown.peak_day.isoformat(),
        "lowDay": drawdown.low_day.isoformat(),
    }


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction
