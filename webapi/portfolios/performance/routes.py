"""What a portfolio became over time: read from stored days, never computed from transactions."""

from apiflask import APIBlueprint
from flask import Response

from webapi.portfolios import scope
from webapi.portfolios.performance import answers, schemas
from webapi.security.access import signed_in

blueprint = APIBlueprint("portfolio_performance", __name__, tag="Portfolios")


@blueprint.get("/<portfolio_id>/performance")
@signed_in
@blueprint.input(schemas.PerformanceQuery, location="query")
@blueprint.output(schemas.PerformanceOut)
def get_performance(portfolio_id: str, query_data: schemas.PerformanceQuery) -> Response:
    """Values over time, at most 1,000 points, and the returns of the period's closed days.

    `explain=true` adds the cash flows and the daily sub-periods that the returns come from. `asOf` books and values the
    portfolio anew from what was known then.
    """
    return scope.tagged(answers.performance(portfolio_id, query_data))
