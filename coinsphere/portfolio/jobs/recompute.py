"""Recomputes after a change: books what is marked, then values what changed. Also the full rebuild."""

from datetime import date, datetime
from uuid import UUID

from psycopg import Connection

from coinsphere.portfolio import invalidations, issues
from coinsphere.portfolio.lots import rebooking
from coinsphere.portfolio.valuation import daily_values
from coinsphere.portfolio.valuation.stored_market import StoredMarket

_TAKE_BOOKING = """
    with taken as (
        delete from app.booking_marks
        where user_id = %(user_id)s
            and token_id = (select token_id from app.booking_marks where user_id = %(user_id)s order by id limit 1)
        returning token_id, since
    )
    select token_id, min(since) from taken group by token_id
"""
_MARKED = """
    select day, array_agg(token_id) from (
        select token_id, min(since)::date as day from app.booking_marks where user_id = %(user_id)s group by token_id
    ) as marked
    group by day
"""
_TAKE_VALUATION = """
    with taken as (
        delete from app.valuation_marks
        where user_id = %(user_id)s
            and portfolio_id = (
                select portfolio_id from app.valuation_marks where user_id = %(user_id)s order by id limit 1
            )
        returning portfolio_id, from_day
    )
    select taken.portfolio_id, min(from_day), currency
    from taken join app.portfolios on portfolios.id = taken.portfolio_id
    group by taken.portfolio_id, currency
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


def update(conn: Connection, user_id: UUID, now: datetime) -> int:
    """Book and value all that is marked for a user. Returns the number of tokens booked and portfolios valued.

    Each step is a transaction of its own, so that the user's own changes come in between and a step that fails undoes
    nothing: `conn` must be in autocommit, in the role of the pipeline.
    """
    market = _market(conn, user_id)
    done = 0
    while _book_next(conn, user_id, market, now):
        done += 1
    while _value_next(conn, user_id, market, now):
        done += 1
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


def _market(conn: Connection, user_id: UUID) -> StoredMarket:
    """The market of the past, with the closes of what is marked, which are read together so."""
    market = StoredMarket(conn)
    for since, token_ids in conn.execute(_MARKED, {"user_id": user_id}).fetchall():
        market.prepare(token_ids, since)
    return market


def _book_next(conn: Connection, user_id: UUID, market: StoredMarket, now: datetime) -> bool:
    with conn.transaction():
        invalidations.lock(conn, user_id)
        taken = conn.execute(_TAKE_BOOKING, {"user_id": user_id}).fetchone()
        if taken is None:
            return False
        token_id, since = taken
        done = rebooking.rebook(conn, user_id, token_id, since, market)
        for portfolio_id in done.portfolios:
            invalidations.to_value(conn, user_id, portfolio_id, min(done.day, now.date()))
        invalidations.to_book(conn, user_id, done.heirs)
    return True


def _value_next(conn: Connection, user_id: UUID, market: StoredMarket, now: datetime) -> bool:
    with conn.transaction():
        invalidations.lock(conn, user_id)
        taken = conn.execute(_TAKE_VALUATION, {"user_id": user_id}).fetchone()
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
