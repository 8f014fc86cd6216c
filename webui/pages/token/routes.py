"""One token: its price and where that comes from, its past, what the models expect and how good they were, its risk."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, request
from psycopg import Connection

from coinsphere.analytics.events import ForecastViewed
from coinsphere.portfolio import portfolios
from webapi.analytics.happenings import happened
from webapi.features import Feature, switches
from webapi.http.schema import check
from webapi.portfolios import queries as portfolio_queries
from webapi.portfolios import scope
from webapi.predictions import answers, indicator_queries, indicators
from webapi.risk import analysis
from webapi.risk import queries as risk
from webapi.services import services
from webapi.tokens import history, queries, symbols
from webapi.tokens.history import Point
from webapi.tokens.queries import Token
from webapi.tokens.schemas import FINER, SPANS, HistoryQuery
from webapi.watchlist import queries as watched
from webui import charts, rendering, requests
from webui.charts import Series
from webui.pages import forecasts
from webui.security import cookies
from webui.security.access import signed_in

web_token = Blueprint("web_token", __name__)
FRAMES = ("1h", "24h", "7d", "30d", "90d", "1y", "all")
_BEFORE_FAN = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Position:
    """What the reader has of a token, over all portfolios that hold it; None where it is not known."""

    amount: Decimal
    value: Decimal | None
    profit: Decimal | None
    currency: str


@web_token.get("/tokens/<symbol>")
@signed_in
def token(symbol: str) -> Response:
    """Everything about a token; htmx gets the chart of another timeframe alone."""
    frame = check(HistoryQuery, {"timeframe": request.args.get("timeframe", "1y")}).timeframe
    if requests.is_part() and request.args.get("part") == "head":
        return _head(symbol)
    with scope.connection() as conn:
        listed = queries.with_extremes(conn, symbols.find(conn, symbol))
        chart = _chart(conn, listed, frame)
        if requests.is_part():
            return rendering.page("token/chart.html", **chart)
        facts = _facts(conn, listed)
        recent = history.points(conn, listed.id, _BEFORE_FAN, may_be_finer=False)
    return rendering.page("token/index.html", **_forecast(listed, recent), **facts, **chart)


def _facts(conn: Connection, listed: Token) -> dict[str, Any]:
    """What the page shows beside chart and forecast: risk, indicators, how forecasts fared, what the reader has of it."""
    score = risk.newest(conn, [listed.id]).get(listed.id)
    technical = indicator_queries.indicators(conn, [listed.id]).get(listed.id)
    return {
        "fared": forecasts.measured(conn, listed, services().clock()),
        "score": score,
        "risk": analysis.describe(listed.symbol, score) if score is not None else None,
        "position": _position(conn, listed),
        "is_watched": bool(watched.among(conn, scope.user_id(), [listed.id])),
        "technical": indicators.describe(technical),
    }


def _forecast(listed: Token, recent: Sequence[Point]) -> dict[str, Any]:
    """What the models expect, drawn behind the `recent` closes; the reason where they expect nothing."""
    fan, reason = forecasts.fan(services(), listed)
    if fan is None:
        return {"fan": None, "reason": reason, "picture": None, "nearest": None}
    with scope.connection() as conn:
        happened(conn, ForecastViewed("token"))
    closes = [(point.opened_at, point.close) for point in recent]
    return {
        "fan": fan,
        "reason": reason,
        "picture": charts.fan(closes, fan.points),
        "nearest": answers.prediction(listed, fan.nearest, None),
    }


def _chart(conn: Connection, listed: Token, frame: str) -> dict[str, Any]:
    """What the chart of a timeframe shows: candles, and Bollinger's bands where they are of days."""
    past = history.points(conn, listed.id, SPANS[frame], may_be_finer=frame in FINER)
    since = past[0].opened_at.date() if past else services().clock().date()
    bands = indicator_queries.bands(conn, listed.id, since) if frame not in FINER else {}
    return {
        "series": Series.of_candles(past, bands),
        "filled": charts.filled(past),
        "has_bands": bool(bands),
        "frame": frame,
        "frames": FRAMES,
        "token": listed,
    }


def _head(symbol: str) -> Response:
    """The price alone, for a page that lives."""
    with scope.connection() as conn:
        return rendering.page("token/head.html", token=symbols.find(conn, symbol))


def _position(conn: Connection, asked: Token) -> Position | None:
    """What the reader has of it."""
    if not switches().is_on(Feature.PORTFOLIOS):
        return None
    owned = portfolios.list_for(conn, scope.user_id())
    currency = portfolio_queries.common_currency(cookies.currency(), owned)
    holdings: dict[Any, Any] = (
        portfolio_queries.holdings(conn, scope.user_id(), owned, shown=currency) if owned else {}
    )
    mine = [
        holding
        for rows in holdings.values()
        for holding in rows
        if holding.row.token_id == asked.id
    ]
    if not mine:
        return None
    return Position(
        sum((holding.row.amount for holding in mine), Decimal(0)),
        _sum([holding.current_value for holding in mine]),
        _sum([holding.profit_loss for holding in mine]),
        currency,
    )


def _sum(values: list[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if len(known) == len(values) else None
