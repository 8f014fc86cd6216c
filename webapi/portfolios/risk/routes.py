"""How much a portfolio may lose."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from apiflask import APIBlueprint
from flask import Response
from psycopg import Connection

from coinsphere.portfolio.performance import risk, stored_days
from coinsphere.portfolio.performance.period import Period
from coinsphere.portfolio.valuation import current_holdings
from coinsphere.portfolio.valuation.current_holdings import Holding
from coinsphere.portfolio.valuation.stored_market import StoredMarket
from webapi.portfolios import periods, queries, scope
from webapi.portfolios.periods import PeriodQuery
from webapi.portfolios.risk import by_models, schemas
from webapi.portfolios.risk.by_models import Weighed
from webapi.security.access import signed_in
from webapi.services import services

blueprint = APIBlueprint("portfolio_risk", __name__, tag="Portfolios")

_DAY = timedelta(days=1)
_LEAST = 1e-12
"""Of a close that is left of another: the logarithm of nothing at all is no number."""
_CORRELATED = 20
"""Assets whose correlations are given: the largest."""
_SIMULATED = 50
"""Assets that the figure by models is made of: the largest. What it leaves out, `coveredPercentage` tells."""


@blueprint.get("/<portfolio_id>/risk")
@signed_in
@blueprint.input(PeriodQuery, location="query")
@blueprint.output(schemas.RiskOut)
def get_risk(portfolio_id: str, query_data: PeriodQuery) -> Response:
    """How much a portfolio may lose: by its own history, null under 30 days of it, and by the models' forecasts."""
    with scope.connection() as conn:
        found = scope.find(conn, portfolio_id)
        period = periods.of(found, query_data, usual=365)
        grown = stored_days.growth(conn, period)
        held = queries.holdings(conn, scope.user_id(), [found])[found.id]
        weights = [float(value) for value in current_holdings.weights(held).values()]
        largest = _largest(conn, held, period)
        expected = by_models.describe(conn, largest, sum(weights), services().clock())
    judged = risk.assess([each.day for each in grown], [each.growth for each in grown])
    moves = {each.symbol: each.moves for each in largest[:_CORRELATED]}
    fall = judged.drawdown
    body = {
        "portfolioId": found.id,
        "currency": found.currency,
        "days": judged.days,
        "volatility": _percent(judged.volatility),
        "sharpe": judged.sharpe,
        "sortino": judged.sortino,
        "valueAtRisk95": _percent(judged.value_at_risk),
        "expectedShortfall95": _percent(judged.expected_shortfall),
        "maxDrawdown": None
        if fall is None
        else {
            "percentage": _percent(fall.depth),
            "peakDay": fall.peak_day.isoformat(),
            "lowDay": fall.low_day.isoformat(),
        },
        "concentration": risk.concentration(weights),
        "correlations": risk.correlations(moves),
        "unavailable": judged.unavailable,
        "method": "historical",
        "byModels": expected,
    }
    return scope.tagged(body)


def _largest(conn: Connection, held: Sequence[Holding], period: Period) -> list[Weighed]:
    """The largest assets with their daily returns, over days that have a close of their own."""
    market = StoredMarket(conn)
    largest = sorted(
        current_holdings.weights(held).items(), key=lambda item: (-item[1], str(item[0]))
    )
    largest = largest[:_SIMULATED]
    first = period.first - _DAY
    market.prepare([token_id for token_id, _ in largest], first)
    names = {each.row.token_id: each.row.symbol for each in held}
    return [
        Weighed(
            token_id,
            names[token_id],
            float(value),
            _moves(market.closes(token_id, first, period.last)),
        )
        for token_id, value in largest
    ]


def _moves(closes: Sequence[tuple[date, Decimal]]) -> dict[date, float]:
    return {
        day: max(float(close / previous), _LEAST) - 1
        for (earlier, previous), (day, close) in pairwise(closes)
        if day - earlier == _DAY
    }


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction
