"""What a portfolio may be worth."""

from datetime import timedelta

from apiflask import APIBlueprint
from flask import Response

from coinsphere.portfolio.performance.period import Period
from coinsphere.portfolio.valuation import current_holdings
from webapi.portfolios import queries, scope, weighed
from webapi.portfolios.forecast import outlook, schemas
from webapi.security import limits
from webapi.security.access import signed_in
from webapi.services import services

blueprint = APIBlueprint("portfolio_forecast", __name__, tag="Portfolios")

_CORRELATED_DAYS = 365


@blueprint.get("/<portfolio_id>/forecast")
@signed_in
@limits.weighs(5)
@blueprint.output(schemas.ForecastOut)
def get_forecast(portfolio_id: str) -> Response:
    """What a portfolio may be worth in 1, 7, 14 and 30 days if nothing is bought or sold, by the models' forecasts.

    Each asset has its own stored forecast, narrowed by what has passed of its horizon, or the returns of its past; a copula
    joins them. What nothing is known of is left out and named.
    """
    now = services().clock()
    with scope.connection() as conn:
        found = scope.find(conn, portfolio_id)
        held = queries.holdings(conn, scope.user_id(), [found])[found.id]
        today = now.date()
        year = Period(
            scope.user_id(), found.id, today - timedelta(days=_CORRELATED_DAYS - 1), today
        )
        largest = weighed.largest(conn, held, year)
        total = sum(map(float, current_holdings.weights(held).values()))
        body = outlook.describe(conn, largest, total, now)
    unpriced = sorted({each.row.symbol for each in held if each.current_value is None})
    body["leftOut"] += [{"symbol": symbol, "reason": outlook.NO_PRICE} for symbol in unpriced]
    return scope.tagged({"portfolioId": found.id, "currency": found.currency, "at": now, **body})
