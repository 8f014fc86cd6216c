"""The history of a portfolio's value as a response of the API."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from psycopg import Connection

from coinsphere.portfolio.performance import returns
from coinsphere.portfolio.performance.period import Period
from coinsphere.portfolio.performance.stored_days import Point
from coinsphere.portfolio.portfolios import Portfolio
from coinsphere.portfolio.valuation import current_holdings, daily_growth
from coinsphere.portfolio.valuation.current_holdings import Holding
from webapi.portfolios import periods, queries, scope
from webapi.portfolios.performance import benchmarks, past, reading
from webapi.portfolios.performance.schemas import PerformanceQuery
from webapi.services import services


def performance(
    portfolio_id: str, asked: PerformanceQuery, most: int = reading.USUAL_POINTS
) -> dict[str, Any]:
    """Values and returns of a period as `PerformanceOut` takes them. Raises `errors.Problem`: 400 or 404.

    Args:
        portfolio_id: whose.
        asked: which days.
        most: about how many points.
    """
    with scope.connection() as conn:
        portfolio = scope.find(conn, portfolio_id)
        currency = queries.shown_currency(conn, asked.currency, portfolio.currency)
        period, read, live = _read(conn, portfolio, asked, currency, most)
        compared = benchmarks.growth(
            conn, currency, asked.benchmark, period, read.points, as_of=asked.as_of
        )
    outcome = returns.over(read.before, read.days)
    series = [*_points(read, compared), *([] if live is None else [live])]
    is_explained = asked.explain and outcome is not None
    return {
        "portfolioId": portfolio.id,
        "currency": currency,
        "dataPoints": len(series),
        "performance": series,
        "returns": None if outcome is None else _returns(outcome),
        "unavailable": None if outcome is not None else returns.why(read.days),
        "realisedGain": read.realised.gain,
        "realisedUnknown": read.realised.unknown,
        "benchmark": benchmarks.outcome(asked.benchmark, compared),
        "explain": _explained(read.before, read.days) if is_explained else None,
        "isPending": portfolio.is_pending and asked.as_of is None,
    }


def _read(
    conn: Connection, portfolio: Portfolio, asked: PerformanceQuery, currency: str, most: int
) -> tuple[Period, reading.Read, dict[str, Any] | None]:
    """The period, its days, and the point of the last moment where that is of the period."""
    now = services().clock()
    if asked.as_of is not None:
        today = min(asked.as_of, now).date()
        period = periods.until(portfolio, asked, today)
        known = past.of(conn, portfolio, period, currency, (asked.as_of, now), most=most)
        rate_date = queries.rate_date(conn, portfolio, currency, asked.as_of)
        live = {**_live_point(known.held, today), "rateDate": rate_date}
        return period, known.read, live if period.last >= today else None
    period = periods.of(portfolio, asked)
    read = reading.of(conn, portfolio, period, currency, most)
    if period.last < now.date():
        return period, read, None
    holdings = queries.holdings(conn, scope.user_id(), [portfolio], shown=currency)[portfolio.id]
    rate_date = queries.rate_date(conn, portfolio, currency)
    return period, read, {**_live_point(holdings, now.date()), "rateDate": rate_date}


def _points(read: reading.Read, compared: Mapping[date, Decimal]) -> list[dict[str, Any]]:
    return [
        {**_point(point, compared.get(point.day)), "rateDate": read.rate_dates.get(point.day)}
        for point in read.points
    ]


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


def _rate(result: returns.Return) -> dict[str, Any]:
    return {"percentage": daily_growth.percent(result.rate), "reason": result.reason}


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


def _live_point(holdings: Sequence[Holding], today: date) -> dict[str, Any]:
    # Stored days go on at the last close of what is delisted, and so does the last of them: a series falls by nothing.
    as_stored = [each._replace(row=each.row._replace(is_listed=True)) for each in holdings]
    sums = current_holdings.totals(as_stored)
    return {
        "date": today.isoformat(),
        "value": sums.total_value,
        "cost": sums.total_cost,
        "growth": None,
        "filledAssets": sum(each.is_stale for each in holdings),
        "unpricedAssets": len(sums.unpriced),
        "benchmark": None,
        "isLive": True,
    }
