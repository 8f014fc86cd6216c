"""The technical indicators of tokens in the warehouse."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from psycopg import Connection

from webapi.backends import warehouse

# A row from the end of each token's days, whatever lies before it.
_INDICATORS = """
    select newest.*
    from unnest(%(token_ids)s::uuid[]) as wanted (token_id)
    cross join lateral (
        select
            token_id, price_date, close, rsi_14, macd, macd_signal, bollinger_upper, bollinger_middle, bollinger_lower,
            volume_ratio_30d
        from marts.ml_features_daily
        where token_id = wanted.token_id and is_final
        order by price_date desc
        limit 1
    ) as newest
"""
_BANDS = """
    select price_date, bollinger_upper as upper, bollinger_middle as middle, bollinger_lower as lower
    from marts.ml_features_daily
    where token_id = %(token_id)s and price_date >= %(since)s and is_final
"""


@dataclass(frozen=True, slots=True)
class Indicators:
    """The indicators of the newest final day; None where the history is too short."""

    token_id: UUID
    price_date: date
    close: Decimal
    rsi_14: float | None
    macd: float | None
    macd_signal: float | None
    bollinger_upper: float | None
    bollinger_middle: float | None
    bollinger_lower: float | None
    volume_ratio_30d: float | None


@dataclass(frozen=True, slots=True)
class Bands:
    """Bollinger bands of a day, in US dollars: the mean of 20 closes, and two standard deviations around it."""

    price_date: date
    upper: float | None
    middle: float | None
    lower: float | None


def indicators(conn: Connection, token_ids: list[UUID]) -> dict[UUID, Indicators]:
    """The newest indicators of each token; none before the warehouse is built."""
    rows = warehouse.rows(conn, _INDICATORS, {"token_ids": token_ids}, Indicators)
    return {row.token_id: row for row in rows or []}


def bands(conn: Connection, token_id: UUID, since: date) -> dict[date, Bands]:
    """The bands of a token's days from `since` on; none before the warehouse is built."""
    rows = warehouse.rows(conn, _BANDS, {"token_id": token_id, "since": since}, Bands)
    return {row.price_date: row for row in rows or []}
