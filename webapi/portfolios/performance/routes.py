"""What a portfolio became over time: read from stored days, never computed from transactions."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from coinsphere.portfolio.performance import returns
from coinsphere.portfolio.performance.stored_days import Point
from coinsphere.portfolio.valuation import current_holdings, daily_growth
from coinsphere.portfolio.valuation.current_holdings import Holding
from webapi.portfolios import periods, queries, scope
from webapi.portfolios.performance import benchmarks, reading, schemas
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
        currency = queries.shown_currency(conn, query_data.currency, found.currency)
        period = periods.of(found, query_data)
        read = reading.of(conn, found, period, currency)
        compared = benchmarks.growth(conn, currency, query_data.benchmark, period, read.points)
        held = queries.holdings(conn, scope.user_id(), [found], shown=currency)[found.id]
        rate_date = queries.rate_date(conn, found, currency)
    outcome = returns.over(read.before, read.days)
    series = [
        {**_point(point, compared.get(point.day)), "rateDate": read.rate_dates.get(point.day)}
        for point in read.points
    ]
    if period.last >= services().clock().date():
        series.append({**_live_point(held), "rateDate": rate_date})
    is_explained = query_data.explain and outcome is not None
    body = {
        "portfolioId": found.id,
        "currency": currency,
        "dataPoints": len(series),
        "performance": series,
        "returns": None if outcome is None else _returns(outcome),
        "unavailable": None if outcome is not None else returns.why(read.days),
        "realisedGain": read.realised.gain,
        "realisedUnknown": read.realised.unknown,
        "benchmark": benchmarks.outcome(query_data.benchmark, compared),
        "explain": _explained(read.before, read.days) if is_explained else None,
        "isPending": found.is_pending,
    }
    return scope.tagged(body)


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
        "moneyWeightedOfPeriod": _rate(outcome.money_weighted_of_period),
        "simple": _rate(outcome.simple),
    }


def _rate(found: returns.Return) -> dict[str, Any]:
    return {"percentage": daily_growth.percent(found.rate), "reason": found.reason}


def _explained(before: daily_growth.DayOfReturn | None, days: daily_growth.Days) -> dict[str, Any]:
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
                "percentage": daily_growth.percent(each.rate),
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
    # Stored days go on at the last close of what is delisted, and so does the last of them: a series falls by nothing.
    as_stored = [replace(each, row=replace(each.row, is_listed=True)) for each in held]
    sums = current_holdings.totals(as_stored)
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
