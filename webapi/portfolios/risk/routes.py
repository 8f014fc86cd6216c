"""How much a portfolio may lose."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

from apiflask import APIBlueprint
from flask import Response
from psycopg import Connection

from coinsphere.portfolio import live, performance, risk
from coinsphere.portfolio.history import StoredMarket
from coinsphere.portfolio.live import Holding
from coinsphere.portfolio.performance import Period
from webapi.portfolios import periods, queries, scope
from webapi.portfolios.periods import PeriodQuery
from webapi.portfolios.risk import schemas
from webapi.security.access import signed_in

blueprint = APIBlueprint("portfolio_risk", __name__, tag="Portfolios")

_DAY = timedelta(days=1)
_CORRELATED = 20
"""Assets whose correlations are given: the largest."""


@blueprint.get("/<portfolio_id>/risk")
@signed_in
@blueprint.input(PeriodQuery, location="query")
@blueprint.output(schemas.RiskOut)
def get_risk(portfolio_id: str, query_data: PeriodQuery) -> Response:
    """How much a portfolio may lose, by its own history; null where there are under 30 days of it."""
    with scope.connection() as conn:
        found = scope.find(conn, portfolio_id)
        period = periods.of(found, query_data, usual=365)
        grown = performance.growth(conn, period)
        held = queries.holdings(conn, scope.user_id(), [found])[found.id]
        moves = _moves(conn, held, period)
    judged = risk.assess([each.day for each in grown], [each.growth for each in grown])
    weights = [float(value) for value in live.weights(held).values()]
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
        "method": "historical",
    }
    return scope.tagged(body)


def _moves(
    conn: Connection, held: Sequence[Holding], period: Period
) -> dict[str, dict[date, float]]:
    """Daily returns of the largest holdings, over days that have a close of their own."""
    market = StoredMarket(conn)
    largest = sorted(live.weights(held).items(), key=lambda item: -item[1])[:_CORRELATED]
    names = {each.row.token_id: each.row.symbol for each in held}
    moves: dict[str, dict[date, float]] = {}
    for token_id, _ in largest:
        closes = market.closes(token_id, period.first - _DAY, period.last)
        moves[names[token_id]] = {
            day: float(close / previous) - 1
            for (earlier, previous), (day, close) in pairwise(closes)
            if day - earlier == _DAY
        }
    return moves


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction
