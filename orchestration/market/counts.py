"""How many rows the market tables hold, for the asset catalogue."""

from datetime import datetime
from typing import LiteralString

from psycopg import Connection

QUOTES: LiteralString = "select count(*) from market.quotes"
METADATA: LiteralString = "select count(*) from market.token_metadata"
DAILY: LiteralString = "select count(*) from market.price_data where interval = '1d'"
HOURLY: LiteralString = "select count(*) from market.price_data where interval = '1h'"
_NEWEST_HOUR = "select max(opened_at) from market.price_data where interval = '1h'"


def rows(conn: Connection, query: LiteralString) -> int:
    """The number that `query` counts."""
    (count,) = conn.execute(query).fetchone() or (0,)
    return int(count)


def newest_hour(conn: Connection) -> datetime | None:
    """Start of the newest hourly candle of any token; None where there is none."""
    newest: datetime | None
    (newest,) = conn.execute(_NEWEST_HOUR).fetchone() or (None,)
    return newest
