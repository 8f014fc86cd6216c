"""Counts and ages of the rows in the market tables, for `coinsphere market status`."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg import Connection
from psycopg.rows import class_row

_HOLDINGS = """
    select
        interval, count(*) as rows, count(distinct token_id) as tokens,
        min(opened_at) as first, max(opened_at) as last, count(*) filter (where not is_final) as unfinished
    from market.price_data
    group by interval
    order by interval
"""
_QUOTES = """
    select
        count(*) as quotes, max(observed_at) as newest,
        count(*) filter (where observed_at < %(fresh_since)s) as stale,
        (select count(*) from market.tokens t
         where t.is_active and not exists (select from market.quotes q where q.token_id = t.id)) as unquoted,
        (select count(*) from market.quarantine where resolved_at is null) as quarantined
    from market.quotes
"""
_FAILURES = """
    select error_code, count(*) as times, max(finished_at) as last, max(error) as example
    from market.ingestions
    where error_code is not null and started_at > %(since)s
    group by error_code
    order by times desc
"""


@dataclass(frozen=True, slots=True)
class Holding:
    """The candles of one interval."""

    interval: str
    rows: int
    tokens: int
    first: datetime
    last: datetime
    unfinished: int


@dataclass(frozen=True, slots=True)
class QuoteState:
    """How fresh the quotes are; `unquoted` counts tokens without any."""

    quotes: int
    newest: datetime | None
    stale: int
    unquoted: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class Failure:
    """How often sources failed in one way."""

    error_code: str
    times: int
    last: datetime
    example: str


def holdings(conn: Connection) -> list[Holding]:
    """The candles of each interval."""
    return conn.cursor(row_factory=class_row(Holding)).execute(_HOLDINGS).fetchall()


def quote_state(conn: Connection, now: datetime, stale_after: timedelta) -> QuoteState:
    """How fresh the quotes are; one observed longer than `stale_after` ago is stale."""
    cursor = conn.cursor(row_factory=class_row(QuoteState))
    state = cursor.execute(_QUOTES, {"fresh_since": now - stale_after}).fetchone()
    if state is None:
        raise AssertionError("an aggregate without groups always gives one row")
    return state


def failures(conn: Connection, since: datetime) -> list[Failure]:
    """The failures of sources since then, by kind, the most frequent first."""
    return (
        conn.cursor(row_factory=class_row(Failure)).execute(_FAILURES, {"since": since}).fetchall()
    )
