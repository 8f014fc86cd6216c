"""A token's candles as a file of rows, none of them merged."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from flask import Response
from psycopg import Connection
from werkzeug.utils import secure_filename

from coinsphere import arrow_files
from coinsphere.market.reference import price_line
from webapi.http import tables
from webapi.services import services
from webapi.tokens import history, schemas, symbols

COLUMNS = (
    ("opened_at", arrow_files.INSTANT),
    ("interval", arrow_files.TEXT),
    ("open", arrow_files.DECIMAL),
    ("high", arrow_files.DECIMAL),
    ("low", arrow_files.DECIMAL),
    ("close", arrow_files.DECIMAL),
    ("volume", arrow_files.DECIMAL),
    ("source", arrow_files.TEXT),
    ("is_filled", arrow_files.FLAG),
)
_PORTION = 2_000
_IS_BUILT = "select to_regclass('marts.fct_prices_daily') is not null"
# A frame ends at the newest candle, as in the picture that JSON gives.
_CHOSEN = """
    with chosen as (
        select
            %(interval)s as interval,
            case
                when %(span)s::interval is null then '-infinity'
                else (
                    select max(opened_at) from market.price_data
                    where token_id = %(token_id)s and interval = %(interval)s and quality <> 'suspect'
                ) - %(span)s::interval
            end as since
    ),
"""
_EVERY = """
    )
    select opened_at, %(interval)s, open, high, low, close, volume, source, is_filled
    from candles
    order by opened_at
"""
_STORED = _CHOSEN + history.CANDLES + _EVERY
_WITH_FILLED = _CHOSEN + history.CANDLES + history.FILLED + _EVERY


def answer(symbol: str, asked: schemas.HistoryFileQuery, form: tables.Form) -> Response:
    """The candles of a frame as a file. Raises `errors.Problem` with status 404."""
    interval = asked.interval or ("1h" if asked.timeframe in schemas.FINER else "1d")
    span = schemas.SPANS[asked.timeframe]
    with tables.sending() as file:
        with services().database.lagging() as conn, tables.fitting():
            token = symbols.find(conn, symbol)
            rows = _rows(conn, token.id, interval, span, asked.as_of)
            arrow_files.write(rows, COLUMNS, file, form)
        name = secure_filename(f"{token.symbol}-{interval}") or "candles"
        return tables.attachment(file, name, form)


def _rows(
    conn: Connection, token_id: UUID, interval: str, span: timedelta | None, as_of: datetime | None
) -> Iterator[tuple[Any, ...]]:
    """The candles, ascending, read in portions: as they are known, or were believed to be at `as_of`."""
    parameters = {
        "token_id": token_id,
        "interval": interval,
        "span": span,
        "as_of": "infinity" if as_of is None else as_of,
    }
    with conn.cursor(name="candles") as cursor:
        cursor.itersize = _PORTION
        yield from cursor.execute(_statement(conn, token_id, as_of), parameters)


def _statement(conn: Connection, token_id: UUID, as_of: datetime | None) -> LiteralString:
    # Which days are filled is known of the present alone, and by what dbt has built.
    may_be_filled = as_of is None and conn.execute(_IS_BUILT).fetchone() == (True,)
    statement = _WITH_FILLED if may_be_filled else _STORED
    has_line = as_of is not None or price_line.has_line(conn, token_id)
    return history.in_line(statement) if has_line else statement
