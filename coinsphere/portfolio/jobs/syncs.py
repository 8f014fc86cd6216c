"""A sync that a user asks for: books and values everything again from the facts, with a state to look at."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.clock import Clock
from coinsphere.portfolio import invalidations
from coinsphere.portfolio.jobs import recompute

TASK = "sync_portfolio"

_REQUEST = """
    with made as (
        insert into app.portfolio_syncs (user_id, portfolio_id) values (%(user_id)s, %(portfolio_id)s) returning id
    )
    select id, jobs.procrastinate_defer_jobs_v1(array[
        (%(queue)s, %(task)s, 0, %(lock)s, null, jsonb_build_object('sync_id', id), null)
            ::jobs.procrastinate_job_to_defer_v1
    ])
    from made
"""
# One that waits does what another would do.
_WAITING = """
    select id from app.portfolio_syncs
    where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and status = 'queued'
        and created_at > now() - interval '15 minutes'
    order by created_at desc limit 1
"""
_GET = """
    select id, user_id, portfolio_id, status, created_at, started_at, finished_at, imported, error
    from app.portfolio_syncs
    where id = %(id)s
        and (%(user_id)s::uuid is null or user_id = %(user_id)s)
        and (%(portfolio_id)s::uuid is null or portfolio_id = %(portfolio_id)s)
"""
_START = """
    update app.portfolio_syncs set status = 'running', started_at = coalesce(started_at, %(now)s) where id = %(id)s
"""
_FINISH = """
    update app.portfolio_syncs set status = %(status)s, finished_at = %(now)s, error = %(error)s where id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class Sync:
    """A sync and its progress; `imported` counts the transactions that it brought."""

    id: UUID
    user_id: UUID
    portfolio_id: UUID
    status: Literal["queued", "running", "succeeded", "failed"]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    imported: int
    error: str | None


def request(conn: Connection, user_id: UUID, portfolio_id: UUID) -> UUID:
    """Store a sync and its job. Returns its id. The caller has checked that the portfolio is the user's."""
    whose = {"user_id": user_id, "portfolio_id": portfolio_id}
    job = {"queue": invalidations.QUEUE, "task": TASK, "lock": f"portfolios {user_id}"}
    row = conn.execute(_WAITING, whose).fetchone()
    row = row or conn.execute(_REQUEST, {**whose, **job}).fetchone()
    assert row is not None
    return UUID(str(row[0]))


def get(
    conn: Connection,
    sync_id: UUID,
    user_id: UUID | None = None,
    portfolio_id: UUID | None = None,
) -> Sync | None:
    """A sync, of that user and portfolio where they are given; None where there is none."""
    parameters = {"id": sync_id, "user_id": user_id, "portfolio_id": portfolio_id}
    return conn.cursor(row_factory=class_row(Sync)).execute(_GET, parameters).fetchone()


def run(conn: Connection, sync_id: UUID, clock: Clock) -> None:
    """Do a sync; nothing where its portfolio is gone. `conn` must be in autocommit, in the role of the pipeline."""
    sync = get(conn, sync_id)
    if sync is None or sync.status in ("succeeded", "failed"):
        return
    conn.execute(_START, {"id": sync_id, "now": clock()})
    try:
        recompute.rebuild(conn, sync.user_id, clock())
    except Exception:
        error = "The portfolio could not be computed; it is tried again."
        conn.execute(_FINISH, {"id": sync_id, "status": "running", "now": None, "error": error})
        raise
    conn.execute(_FINISH, {"id": sync_id, "status": "succeeded", "now": clock(), "error": None})


def give_up(conn: Connection, sync_id: UUID, now: datetime, why: str) -> None:
    """Close a sync that no job continues."""
    sync = get(conn, sync_id)
    if sync is not None and sync.status in ("queued", "running"):
        conn.execute(_FINISH, {"id": sync_id, "status": "failed", "now": now, "error": why})
