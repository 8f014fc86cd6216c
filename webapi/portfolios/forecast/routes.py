"""The forecast of a portfolio's value."""

from apiflask import APIBlueprint
from flask import Response

from webapi.portfolios import scope
from webapi.portfolios.forecast import schemas, value_distribution
from webapi.security import limits
from webapi.security.access import signed_in
from webapi.services import services

blueprint = APIBlueprint("portfolio_forecast", __name__, tag="Portfolios")


@blueprint.get("/<portfolio_id>/forecast")
@signed_in
@limits.weighs(5)
@blueprint.output(schemas.PortfolioForecastOut)
def get_forecast(portfolio_id: str) -> Response:
    """What a portfolio may be worth in 1, 7, 14 and 30 days if nothing is bought or sold, by the models' forecasts.

    Each asset has its own stored forecast, narrowed by what has passed of its horizon, or the returns of its past; a copula
    joins them. What nothing is known of is left out and named.
    """
    now = services().clock()
    with scope.connection() as conn:
        portfolio = scope.find(conn, portfolio_id)
        body = value_distribution.of_portfolio(conn, portfolio, scope.user_id(), now)
    return scope.tagged(
        {"portfolioId": portfolio.id, "currency": portfolio.currency, "at": now, **body}
    )
