"""A token's candles as the API draws them: as known now, or at a past instant."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.market.reference import price_line
from webapi.backends import warehouse
from webapi.tokens import minutes, schemas

MAX_POINTS = 1000

# Short frames are drawn from hourly candles where these are as new as the daily ones and reach back to nine tenths of
# the frame, else from daily ones. A frame ends at the newest candle, not now: imported history may be old.
_CHOSEN = """
    with newest as (
        select
            (select opened_at from market.price_data
             where token_id = %(token_id)s and interval = '1h' and quality <> 'suspect' order by opened_at desc limit 1) as hour,
            (select opened_at from market.price_data
             where token_id = %(token_id)s and interval = '1d' and quality <> 'suspect' order by opened_at desc limit 1) as day
    ),
    chosen as (
        select
            case when by_hour then '1h' else '1d' end as interval,
            case when %(span)s::interval is null then '-infinity' else case when by_hour then hour else day end - %(span)s end
                as since
        from newest, lateral (
            select %(may_be_hourly)s and hour is not null and (day is null or hour >= day) and exists (
                select from market.price_data
                where token_id = %(token_id)s and interval = '1h'
                  and opened_at between hour - %(span)s::interval and hour - %(span)s::interval * 0.9
            ) as by_hour
        ) as choice
    ),
"""
CANDLES = """
    candles as (
        select p.opened_at, p.open, p.high, p.low, p.close, p.volume, p.source, false as is_filled
        from market.price_data p
        where p.token_id = %(token_id)s and p.interval = (select interval from chosen) and p.quality <> 'suspect'
          and p.opened_at >= (select since from chosen)
"""
"""What follows a `chosen` interval and its beginning; the parenthesis is left open."""
_BUCKETS = """
    ),
    numbered as (
        select
            candles.*,
            (row_number() over (order by opened_at) - 1)
                / ceil(count(*) over () / %(max_points)s::numeric)::integer as bucket
        from candles
    )
    select
        min(opened_at) as opened_at,
        (array_agg(open order by opened_at))[1] as open,
        max(high) as high,
        min(low) as low,
        (array_agg(close order by opened_at desc))[1] as close,
        -- A filled row traded nothing that is known; a candle of unknown volume makes the sum unknown.
        case when bool_and(volume is not null or is_filled) then sum(volume) end as volume,
        (array_agg(source order by opened_at desc))[1] as source,
        bool_or(is_filled) as is_filled,
        (select interval from chosen) as interval
    from numbered
    group by bucket
    order by bucket
"""
FILLED = """
        union all
        select
            f.price_date::timestamp at time zone 'UTC', f.open, f.high, f.low, f.close, f.volume, f.source, true
        from marts.fct_prices_daily f
        where f.token_id = %(token_id)s and f.is_filled and (select interval from chosen) = '1d'
          and f.price_date >= (select since at time zone 'UTC' from chosen)
          and not exists (
            select from market.price_data p
            where p.token_id = f.token_id and p.interval = '1d' and p.quality <> 'suspect'
              and p.opened_at = f.price_date::timestamp at time zone 'UTC'
          )
"""
_HISTORY = _CHOSEN + CANDLES + FILLED + _BUCKETS
_HISTORY_WITHOUT_WAREHOUSE = _CHOSEN + CANDLES + _BUCKETS
# The same, over candles across a token's changes of name and unit, as they are known or were believed to be; which days
# are filled is known of the present alone.
_LINE = "with line as (select * from market.candles_in_line(%(token_id)s, %(as_of)s)), "


def in_line(statement: LiteralString) -> LiteralString:
    """The same over candles across changes of name and unit, as known or believed to be at `as_of`."""
    return _LINE + statement.strip().removeprefix("with ").replace("market.price_data", "line")


_HISTORY_IN_LINE = in_line(_HISTORY)
_HISTORY_IN_LINE_WITHOUT_WAREHOUSE = in_line(_HISTORY_WITHOUT_WAREHOUSE)


@dataclass(frozen=True, slots=True)
class Point:
    """One candle, or several merged; `is_filled` where any of them was carried on without trading."""

    opened_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal | None
    source: str
    is_filled: bool
    interval: str


def of_frame(
    conn: Connection, token_id: UUID, frame: str, as_of: datetime | None = None
) -> list[Point]:
    """The candles of a frame of `schemas.Frame`, else as `points`."""
    finer = frame in schemas.FINER
    return points(conn, token_id, schemas.SPANS[frame], as_of, may_be_finer=finer)


def points(
    conn: Connection,
    token_id: UUID,
    span: timedelta | None,
    as_of: datetime | None = None,
    *,
    may_be_finer: bool,
) -> list[Point]:
    """Candles of the last `span` before the newest, ascending, merged to at most `MAX_POINTS`.

    An hour and a day are drawn by minutes where each minute's price is known, other frames by hours or days.

    Args:
        conn: a connection.
        token_id: the token.
        span: length of the frame; None for all there is.
        as_of: only what was known then counts, and final candles alone; None for what is known now.
        may_be_finer: whether candles of minutes and hours are wanted where they reach back far enough.
    """
    parameters = {
        "token_id": token_id,
        "span": span,
        "may_be_hourly": may_be_finer,
        "max_points": MAX_POINTS,
        "as_of": "infinity" if as_of is None else as_of,
    }
    cursor = conn.cursor(row_factory=class_row(Point))
    if may_be_finer and span in minutes.WIDTHS:
        finer = {"width": minutes.WIDTHS[span], "interval": minutes.interval(span)}
        by_minute = cursor.execute(minutes.STATEMENT, parameters | finer).fetchall()
        if minutes.are_enough(len(by_minute), span):
            return by_minute
    if as_of is not None:
        return cursor.execute(_HISTORY_IN_LINE_WITHOUT_WAREHOUSE, parameters).fetchall()
    # To read across events takes a plan of its own, so only those tokens pay for it that have any.
    has_line = price_line.has_line(conn, token_id)
    candles = warehouse.rows(conn, _HISTORY_IN_LINE if has_line else _HISTORY, parameters, Point)
    if candles is not None:
        return candles
    # Before dbt's first build no day is known to be filled.
    bare = _HISTORY_IN_LINE_WITHOUT_WAREHOUSE if has_line else _HISTORY_WITHOUT_WAREHOUSE
    return cursor.execute(bare, parameters).fetchall()
