"""Recomputes after a change: books what is marked, then values what changed. Also the full rebuild."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.portfolio import invalidations, issues
from coinsphere.portfolio.lots import rebooking
from coinsphere.portfolio.valuation import daily_values
from coinsphere.portfolio.valuation.stored_market import StoredMarket

_BOOKINGS = """
    select token_id, min(since)::date as day, array_agg(id) as marks from app.booking_marks
    where user_id = %(user_id)s
    group by token_id
    order by min(id)
"""
_VALUATIONS = """
    select array_agg(id) from app.valuation_marks
    where user_id = %(user_id)s
    group by portfolio_id
    order by min(id)
"""
# Only those that were there before the market was read: what it gained since is behind the others.
_TAKE_BOOKING = """
    with taken as (delete from app.booking_marks where id = any(%(marks)s) returning since)
    select min(since) from taken having count(*) > 0
"""
_TAKE_VALUATION = """
    with taken as (delete from app.valuation_marks where id = any(%(marks)s) returning portfolio_id, from_day)
    select portfolio_id, min(from_day), currency
    from taken join app.portfolios on portfolios.id = portfolio_id
    group by portfolio_id, currency
"""
# By portfolio, which an index leads to whatever version of a fact it is.
_TOKENS = """
    with facts as (
        select token_id, fee_token_id, counter_token_id from app.transactions
        where portfolio_id in (select id from app.portfolios where user_id = %(user_id)s)
    )
    select token_id from facts
    union select fee_token_id from facts where fee_token_id is not null
    union select counter_token_id from facts where counter_token_id is not null
    union select token_id from app.lots where user_id = %(user_id)s
"""
_PORTFOLIOS = "select id from app.portfolios where user_id = %(user_id)s"
_ANNOUNCE = "select pg_notify('coinsphere', 'portfolios')"


class _Marked(NamedTuple):
    """A token to be booked again, the earliest day of it, and its marks."""

    token_id: UUID
    day: date
    marks: list[int]


def update(conn: Connection, user_id: UUID, now: datetime) -> int:
    """Book and value all that is marked for a user. Returns the number of tokens booked and portfolios valued.

    It goes in rounds, each by a market that is read after the marks it does. Each step is a transaction of its own, so that the
    user's own changes come in between and a step that fails undoes nothing: `conn` must be in autocommit, in the role of the
    pipeline.
    """
    done = 0
    whose = {"user_id": user_id}
    while True:
        if (
            bookings := conn.cursor(row_factory=class_row(_Marked))
            .execute(_BOOKINGS, whose)
            .fetchall()
        ):
            done += _book(conn, user_id, bookings, now)
        elif valuations := conn.execute(_VALUATIONS, whose).fetchall():
            done += _value(conn, user_id, [marks for (marks,) in valuations], now)
        else:
            return done


def rebuild(conn: Connection, user_id: UUID, now: datetime) -> int:
    """Book and value everything of a user from the first fact on. `conn` as for `update`."""
    with conn.transaction():
        invalidate_all(conn, user_id)
    return update(conn, user_id, now)


def invalidate_all(conn: Connection, user_id: UUID) -> None:
    """Mark everything of a user to be booked and valued again."""
    invalidations.lock(conn, user_id)
    token_ids = [token_id for (token_id,) in conn.execute(_TOKENS, {"user_id": user_id})]
    invalidations.to_book(conn, user_id, dict.fromkeys(token_ids, rebooking.BEGINNING))
    for (portfolio_id,) in conn.execute(_PORTFOLIOS, {"user_id": user_id}).fetchall():
        invalidations.to_value(conn, user_id, portfolio_id, date.min)


def _book(conn: Connection, user_id: UUID, marked: Sequence[_Marked], now: datetime) -> int:
    market = _market(conn, marked)
    return sum(_book_token(conn, user_id, each, market, now) for each in marked)


def _market(conn: Connection, marked: Sequence[_Marked]) -> StoredMarket:
    """The market of the past, with the closes of what is marked, which are read together so."""
    market = StoredMarket(conn)
    by_day: dict[date, list[UUID]] = defaultdict(list)
    for each in marked:
        by_day[each.day].append(each.token_id)
    for day, token_ids in by_day.items():
        market.prepare(token_ids, day)
    return market


def _book_token(
    conn: Connection, user_id: UUID, marked: _Marked, market: StoredMarket, now: datetime
) -> bool:
    with conn.transaction():
        invalidations.lock(conn, user_id)
        taken = conn.execute(_TAKE_BOOKING, {"marks": marked.marks}).fetchone()
        if taken is None:
            return False
        done = rebooking.rebook(conn, user_id, marked.token_id, taken[0], market)
        for portfolio_id in done.portfolios:
            invalidations.to_value(conn, user_id, portfolio_id, min(done.day, now.date()))
        invalidations.to_book(conn, user_id, done.heirs)
    return True


def _value(conn: Connection, user_id: UUID, portfolios: Sequence[list[int]], now: datetime) -> int:
    market = StoredMarket(conn)
    return sum(_value_portfolio(conn, user_id, marks, market, now) for marks in portfolios)


def _value_portfolio(
    conn: Connection, user_id: UUID, marks: list[int], market: StoredMarket, now: datetime
) -> bool:
    with conn.transaction():
        invalidations.lock(conn, user_id)
        taken = conn.execute(_TAKE_VALUATION, {"marks": marks}).fetchone()
        if taken is None:
            return False
        portfolio_id, from_day, currency = taken
        daily_values.revalue(
            conn,
            user_id,
            portfolio_id,
            currency=currency,
            from_day=from_day,
            market=market,
            now=now,
        )
        issues.survey(conn, user_id, portfolio_id)
        conn.execute(_ANNOUNCE)
    return True
