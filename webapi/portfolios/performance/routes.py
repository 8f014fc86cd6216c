"""What a portfolio became over time: read from stored days, never computed from transactions."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from coinsphere.portfolio import live, performance, returns
from coinsphere.portfolio.live import Holding
from coinsphere.portfolio.performance import Point
from webapi.portfolios import periods, queries, scope
from webapi.portfolios.performance import benchmarks, schemas
from webapi.portfolios.periods import PeriodQuery
from webapi.security.access import signed_in
from webapi.services import services

blueprint = APIBlueprint("portfolio_performance", __name__, tag="Portfolios")


@blueprint.get("/<portfolio_id>/performance")
@signed_in
@blueprint.input(PeriodQuery, location="query")
@blueprint.output(schemas.PerformanceOut)
def get_performance(portfolio_id: str, query_data: PeriodQuery) -> Response:
    """Values over time, at most 1,000 points, and the returns of the period's closed days.

    `explain=true` adds the cash flows and the daily sub-periods that the returns come from.
    """
    with scope.connection() as conn:
        found = scope.find(conn, portfolio_id)
        period = periods.of(found, query_data)
        points = performance.points(conn, period)
        before, days = performance.days(conn, period)
        gained = performance.realised(conn, period)
        compared = benchmarks.growth(conn, found, query_data.benchmark, period, points)
        held = queries.holdings(conn, scope.user_id(), [found])[found.id]
    outcome = returns.over(before, days)
    series = [_point(point, compared.get(point.day)) for point in points]
    if period.last >= services().clock().date():
        series.append(_live_point(held))
    body = {
        "portfolioId": found.id,
        "currency": found.currency,
        "dataPoints": len(series),
        "performance": series,
        "returns": None if outcome is None else _returns(outcome),
        "unavailable": None if outcome is not None else _why(days),
        "realisedGain": gained.gain,
        "realisedUnknown": gained.unknown,
        "benchmark": benchmarks.outcome(query_data.benchmark, compared),
        "explain": _explained(before, days) if query_data.explain and outcome is not None else None,
        "isPending": found.is_pending,
    }
    return scope.tagged(body)


def _why(days: returns.Days) -> str:
    return returns.NO_RATE if days else "nothing was held on a closed day of this period"


def _returns(outcome: returns.Returns) -> dict[str, Any]:
    return {
        "firstDay": outcome.first_day.isoformat(),
        "lastDay": outcome.last_day.isoformat(),
        "startValue": outcome.start_value,
        "endValue": outcome.end_value,
        "inflow": outcome.inflow,
        "outflow": outcome.outflow,
        "gain": outcome.gain,
        "timeWeighted": _rate(outcome.time_weighted),
        "moneyWeighted": _rate(outcome.money_weighted),
        "simple": _rate(outcome.simple),
    }


def _rate(found: returns.Return) -> dict[str, Any]:
    return {"percentage": returns.percent(found.rate), "reason": found.reason}


def _explained(before: returns.DayOfReturn | None, days: returns.Days) -> dict[str, Any]:
    return {
        "cashFlows": [
            {"date": flow.day.isoformat(), "amount": flow.amount}
            for flow in returns.cash_flows(before, days)
        ],
        "subPeriods": [
            {
                "date": each.day.isoformat(),
                "invested": each.invested,
                "result": each.result,
                "percentage": returns.percent(each.rate),
            }
            for each in returns.sub_periods(before, days)
        ],
    }


def _point(point: Point, benchmark: Decimal | None) -> dict[str, Any]:
    return {
        "date": point.day.isoformat(),
        "value": point.value,
        "cost": point.cost,
        "growth": point.growth,
        "filledAssets": point.filled_assets,
        "unpricedAssets": point.unpriced_assets,
        "benchmark": benchmark,
        "isLive": False,
    }


def _live_point(held: Sequence[Holding]) -> dict[str, Any]:
    sums = live.totals(held)
    return {
        "date": services().clock().date().isoformat(),
        "value": sums.total_value,
        "cost": sums.total_cost,
        "growth": None,
        "filledAssets": sum(each.is_stale for each in held),
        "unpricedAssets": len(sums.unpriced),
        "benchmark": None,
        "isLive": True,
    }
