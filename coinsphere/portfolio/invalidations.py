"""Marks what is to be booked or valued again, in the transaction of the change that causes it, and queues the job."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from psycopg import Connection

QUEUE = "portfolios"
TASK = "update_portfolios"

# Changes of one user follow one another: each sees the books as the one before left them.
_LOCK = "select pg_advisory_xact_lock(hashtextextended('app.portfolios ' || %(user_id)s::text, 0))"
_MARK_BOOKING = """
    insert into app.booking_marks (user_id, token_id, since)
    select %(user_id)s, * from unnest(%(token_ids)s::uuid[], %(since)s::timestamptz[])
"""
_MARK_VALUATION = """
    insert into app.valuation_marks (user_id, portfolio_id, from_day)
    values (%(user_id)s, %(portfolio_id)s, %(from_day)s)
"""
# The lock makes the jobs of one user run one after another; one that waits does what another would do.
_ENQUEUE = """
    select jobs.defer_once(%(queue)s, %(task)s, %(lock)s, jsonb_build_object('user_id', %(user_id)s::text))
"""


def lock(conn: Connection, user_id: UUID) -> None:
    """Lock the user's books against other transactions until this one ends."""
    conn.execute(_LOCK, {"user_id": user_id})


def to_book(conn: Connection, user_id: UUID, changes: Mapping[UUID, datetime]) -> None:
    """Mark tokens to be booked again, each from the instant its facts changed at."""
    parameters = {
        "user_id": user_id,
        "token_ids": list(changes),
        "since": list(changes.values()),
    }
    conn.execute(_MARK_BOOKING, parameters)


def to_value(conn: Connection, user_id: UUID, portfolio_id: UUID, from_day: date) -> None:
    """Mark a portfolio to be valued again from `from_day` on."""
    parameters = {"user_id": user_id, "portfolio_id": portfolio_id, "from_day": from_day}
    conn.execute(_MARK_VALUATION, parameters)


def enqueue(conn: Connection, user_id: UUID) -> None:
    """Write the job that books and values what is marked; the worker starts it once this transaction commits."""
    parameters = {"queue": QUEUE, "task": TASK, "lock": f"portfolios {user_id}", "user_id": user_id}
    conn.execute(_ENQUEUE, parameters)
