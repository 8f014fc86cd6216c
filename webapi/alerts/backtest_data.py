"""Reads the stored closes, scores and values of the last 90 days that an alert is tried on."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import LiteralString
from uuid import UUID

from psycopg import Connection

from coinsphere.alerts import backtest
from coinsphere.alerts.backtest import Moment
from coinsphere.alerts.repository import NewAlert
from coinsphere.alerts.rules import AlertType
from coinsphere.market.reference import price_line
from coinsphere.portfolio import portfolios

SPAN = timedelta(days=90)
_DOLLAR = "USD"
# Hourly where these reach back so far, else daily; a close is known at its candle's end.
_CLOSES: LiteralString = """
    with span (interval, length) as (values ('1h', interval '1 hour'), ('1d', interval '1 day')),
    closes as (
        select s.interval, c.opened_at + s.length as at, c.close
        from market.price_data c
        join span s on s.interval = c.interval
        where c.token_id = %(token_id)s and c.is_final and c.quality <> 'suspect' and c.opened_at + s.length > %(since)s - interval '1 day'
            and c.opened_at + s.length <= %(now)s
    ),
    chosen as (
        select interval from closes group by interval
        order by min(at) > %(since)s + interval '1 day', interval = '1d' limit 1
    )
    select c.at, c.close, before.close as day_before
    from closes c
    join chosen on chosen.interval = c.interval
    left join closes before on before.interval = c.interval and before.at = c.at - interval '1 day'
    where c.at > %(since)s
    order by c.at
"""
# A threshold is in the token's unit of today, and so is what the token was before.
_CLOSES_IN_LINE: LiteralString = _CLOSES.replace(
    "market.price_data c", "market.candles_in_line(%(token_id)s, 'infinity') c"
)
_RISK = """
    select computed_at, overall_score from market.risk_scores
    where token_id = %(token_id)s and computed_at > %(since)s and computed_at <= %(now)s order by computed_at
"""
_VOLATILITIES = """
    select computed_at, 100 * annual_volatility from market.risk_scores
    where token_id = %(token_id)s and computed_at > %(since)s and computed_at <= %(now)s and annual_volatility is not null
    order by computed_at
"""
_DRAWDOWNS = """
    select at, 100 * (1 - close / peak)
    from (
        select
            opened_at + interval '1 day' as at, close,
            max(close) over (order by opened_at range between interval '364 days' preceding and current row) as peak
        from market.adjusted_candles
        where token_id = %(token_id)s and interval = '1d' and is_final and quality <> 'suspect'
            and opened_at > %(since)s - interval '366 days' and opened_at + interval '1 day' <= %(now)s
    ) as falls
    where at > %(since)s
    order by at
"""
_VALUES = """
    select day::timestamptz + interval '1 day', value from app.portfolio_values_daily
    where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and day >= %(since)s::date and value is not null
    order by day
"""
_KEPT: dict[AlertType, LiteralString] = {
    AlertType.PORTFOLIO: _VALUES,
    AlertType.RISK: _RISK,
    AlertType.VOLATILITY: _VOLATILITIES,
    AlertType.DRAWDOWN: _DRAWDOWNS,
}
_NOT_KEPT = (
    AlertType.VOLUME,
    AlertType.PREDICTION,
    AlertType.STALE_DATA,
    AlertType.RECONCILIATION,
)


@dataclass(frozen=True, slots=True)
class Past:
    """The past values and the instants at which the alert would have fired; or the reason why neither is known."""

    seen: list[Moment]
    fired: list[Moment]
    unavailable: str | None = None


def of(conn: Connection, user_id: UUID, wanted: NewAlert, now: datetime) -> Past:
    """The firings that an alert would have had in the last 90 days.

    Args:
        conn: a transaction that acts for the user.
        user_id: whose alert it would be.
        wanted: the alert.
        now: the present instant.
    """
    reason = _reason(conn, user_id, wanted)
    seen = [] if reason else _seen(conn, user_id, wanted, now)
    if not seen and reason is None:
        reason = "nothing of that time is stored"
    return Past(seen, backtest.firings(wanted, seen), reason)


def _reason(conn: Connection, user_id: UUID, wanted: NewAlert) -> str | None:
    if wanted.alert_type in _NOT_KEPT:
        return "what it watches is not kept as it was"
    if wanted.portfolio_id is None:
        return None
    portfolio = portfolios.get(conn, user_id, wanted.portfolio_id)
    is_in_dollars = portfolio is not None and portfolio.currency == _DOLLAR
    return None if is_in_dollars else "its values are kept in another currency than US dollars"


def _seen(conn: Connection, user_id: UUID, wanted: NewAlert, now: datetime) -> list[Moment]:
    parameters = {
        "user_id": user_id,
        "token_id": wanted.token_id,
        "portfolio_id": wanted.portfolio_id,
        "since": now - SPAN,
        "now": now,
    }
    kept = _KEPT.get(wanted.alert_type)
    if kept is not None:
        return [Moment(*row) for row in conn.execute(kept, parameters)]
    has_line = wanted.token_id is not None and price_line.has_line(conn, wanted.token_id)
    rows = conn.execute(_CLOSES_IN_LINE if has_line else _CLOSES, parameters).fetchall()
    if wanted.alert_type == AlertType.PRICE:
        return [Moment(at, close) for at, close, _ in rows]
    return [Moment(at, _change(close, before)) for at, close, before in rows if before]


def _change(close: Decimal, before: Decimal) -> Decimal:
    return 100 * (close / before - 1)
