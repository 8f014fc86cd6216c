"""What a portfolio became over time: read from stored days, never computed from transactions."""

from typing import cast

from apiflask import APIBlueprint
from flask import Response

from webapi.http import tables
from webapi.portfolios import scope
from webapi.portfolios.performance import answers, files, schemas
from webapi.security.access import signed_in

blueprint = APIBlueprint("portfolio_performance", __name__, tag="Portfolios")


@blueprint.get("/<portfolio_id>/performance")
@signed_in
@blueprint.input(schemas.PerformanceFileQuery, location="query")
@blueprint.output(schemas.PerformanceOut)
@blueprint.doc(responses=tables.INSTEAD)
def get_performance(portfolio_id: str, query_data: schemas.PerformanceFileQuery) -> Response:
    """Values over time, at most 1,000 points, and the returns of the period's closed days.

    `explain=true` adds the cash flows and the daily sub-periods that the returns come from. `asOf` books and values the
    portfolio anew from what was known then. As Parquet or Arrow it is a file of every day, with exact decimals.
    """
    form = tables.asked(query_data.format)
    if form != "json":
        return files.answer(portfolio_id, query_data, cast("tables.Form", form))
    return tables.beside(scope.tagged(answers.performance(portfolio_id, query_data)))
