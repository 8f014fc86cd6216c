"""The forecast of the largest portfolio's value, computed by the API, and drawn as a fan like that of a token."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import Connection

from coinsphere.portfolio import portfolios
from coinsphere.portfolio.performance.period import Period
from coinsphere.portfolio.portfolios import Portfolio
from webapi.portfolios.forecast import value_distribution
from webapi.portfolios.performance import reading
from webui import charts
from webui.charts import FanPicture, Range

_PAST = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class PortfolioForecast:
    """The fan of a portfolio in its own currency; `body` is what the API answers."""

    portfolio: Portfolio
    body: dict[str, Any]
    points: tuple[Range, ...]
    picture: FanPicture | None


def of_largest(
    conn: Connection, owner: UUID, summaries: Sequence[dict[str, Any]], now: datetime
) -> PortfolioForecast | None:
    """The forecast of the largest portfolio in the overview `summaries`; None without any.

    Bounds of several cannot be added: what moves one moves the others.
    """
    by_id = {each.id: each for each in portfolios.list_for(conn, owner)}
    if not by_id:
        return None
    worth = {each["id"]: each["totalValue"] or Decimal(0) for each in summaries}
    chosen = max(by_id.values(), key=lambda each: worth.get(each.id, Decimal(0)))
    return of_one(conn, owner, chosen, now)


def of_one(conn: Connection, owner: UUID, chosen: Portfolio, now: datetime) -> PortfolioForecast:
    """The forecast of a portfolio of `owner`."""
    body = value_distribution.of_portfolio(conn, chosen, owner, now)
    points = tuple(_range(each, now) for each in body["horizons"])
    past = _past(conn, chosen, owner, now)
    picture = charts.fan([*past, (now, _amount(body["value"]))], points) if points else None
    return PortfolioForecast(chosen, body, points, picture)


def _range(horizon: dict[str, Any], now: datetime) -> Range:
    bounds = [_amount(horizon["quantiles"][f"{q:g}"]) for q in (0.025, 0.1, 0.5, 0.9, 0.975)]
    days: int = horizon["daysAhead"]
    return Range(days, now + timedelta(days=days), *bounds)


def _amount(value: float) -> Decimal:
    return Decimal(f"{value:.2f}")


def _past(
    conn: Connection, portfolio: Portfolio, owner: UUID, now: datetime
) -> list[tuple[datetime, Decimal]]:
    if portfolio.first_day is None:
        return []
    today = now.date()
    first = min(max(portfolio.first_day, today - _PAST), today)
    period = Period(owner, portfolio.id, first, today)
    points = reading.points(conn, portfolio, period, portfolio.currency)
    return [
        (datetime.combine(each.day, time(), UTC), each.value)
        for each in points
        if each.value is not None
    ]
