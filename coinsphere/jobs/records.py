"""The rows of background jobs: those that failed, are stuck, run or wait, and decisions on them.

A failed job counts until the same work was done later, or somebody cancels it. The state of a job is one word more than
procrastinate's: `stuck` is one that waits or runs for longer than any should.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from psycopg import Connection
from psycopg.rows import class_row

State = Literal["failed", "stuck", "running", "waiting"]
ILL: tuple[State, ...] = ("failed", "stuck")

WAITS_AT_MOST = timedelta(minutes=10)
"""After its time has come; a queue whose slots all hang is seen by that."""
RUNS_AT_MOST = timedelta(hours=1)
"""The longest import of a file takes minutes."""
WATCHED = ("sync_portfolio", "import_transactions", "sync_exchange", "sync_wallet")
"""Tasks behind whose job a person waits for a row to end: they end by themselves, and are not cancelled."""

# The same work: the same task with the same arguments, whatever minute a periodic one was of.
_DONE_LATER = """
    exists (
        select from jobs.procrastinate_jobs later
        where later.id > j.id and later.status = 'succeeded' and later.task_name = j.task_name
            and later.args - 'timestamp' = j.args - 'timestamp'
    )
"""
_JOBS = f"""
    select j.id, j.task_name as task, j.queue_name as queue, j.args, j.attempts, j.scheduled_at, e.changed_at,
        case
            when j.status = 'failed' then 'failed'
            when j.status = 'doing' then
                case when e.changed_at < now() - %(runs)s then 'stuck' else 'running' end
            when greatest(e.changed_at, j.scheduled_at) < now() - %(waits)s then 'stuck'
            else 'waiting'
        end as state
    from jobs.procrastinate_jobs j
    cross join lateral (
        select max(at) as changed_at from jobs.procrastinate_events where job_id = j.id
    ) e
    where j.status in ('todo', 'doing') or (j.status = 'failed' and not {_DONE_LATER})
"""  # noqa: S608 - both parts are ours  # nosec B608
_LIST = f"""
    select * from ({_JOBS}) found
    where state = any(%(states)s) and (%(queue)s::text is null or queue = %(queue)s)
        and (%(before)s::bigint is null or id < %(before)s)
    order by id desc limit %(limit)s
"""  # noqa: S608  # nosec B608
_ONE = f"select * from ({_JOBS}) found where id = %(id)s"  # noqa: S608  # nosec B608
_ILL = f"""
    select queue, state, count(*) from ({_JOBS}) found where state in ('failed', 'stuck')
    group by queue, state order by queue, state
"""  # noqa: S608  # nosec B608
_DEPTHS = f"""
    select queue, state, count(*),
        coalesce(max(extract(epoch from now() - greatest(changed_at, scheduled_at))), 0)::float8
    from ({_JOBS}) found group by queue, state
"""  # noqa: S608  # nosec B608
_EVENTS = "select type::text, at from jobs.procrastinate_events where job_id = %(id)s order by id"
_FORGET_DONE = f"delete from jobs.procrastinate_jobs j where j.status = 'failed' and {_DONE_LATER}"  # noqa: S608  # nosec B608
_RETRY = """
    select jobs.procrastinate_retry_job_v2(id, now(), null, null, null)
    from jobs.procrastinate_jobs where id = %(id)s and status = 'failed'
"""
_CANCEL = """
    delete from jobs.procrastinate_jobs
    where id = %(id)s and (status = 'failed' or (status = 'todo' and task_name <> all(%(watched)s)))
"""
_LIMITS = {"waits": WAITS_AT_MOST, "runs": RUNS_AT_MOST}


@dataclass(frozen=True, slots=True)
class Job:
    """A job that is not done; the worker's log says why one failed. `changed_at` is the time of its last event."""

    id: int
    task: str
    queue: str
    args: dict[str, Any]
    attempts: int
    scheduled_at: datetime | None
    changed_at: datetime | None
    state: State


@dataclass(frozen=True, slots=True)
class Depth:
    """The number of jobs of a queue in one state, and the seconds since the first of them got there."""

    queue: str
    state: State
    jobs: int
    seconds: float


def newest(
    conn: Connection,
    states: Sequence[State] = ILL,
    *,
    queue: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[Job]:
    """The jobs in `states`, the newest first; `before` is the last number on the page before."""
    parameters = {
        **_LIMITS,
        "states": list(states),
        "queue": queue,
        "before": before,
        "limit": limit,
    }
    return conn.cursor(row_factory=class_row(Job)).execute(_LIST, parameters).fetchall()


def find(conn: Connection, job_id: int) -> Job | None:
    """A job that is not done."""
    parameters = {**_LIMITS, "id": job_id}
    return conn.cursor(row_factory=class_row(Job)).execute(_ONE, parameters).fetchone()


def events(conn: Connection, job_id: int) -> list[tuple[str, datetime]]:
    """What happened to a job (`deferred`, `started`, `deferred_for_retry`, `failed`), the first first."""
    return conn.execute(_EVENTS, {"id": job_id}).fetchall()


def problems(conn: Connection) -> list[str]:
    """A sentence for each queue and state with failed or stuck jobs."""
    ill_jobs = conn.execute(_ILL, _LIMITS).fetchall()
    return [f"{count} {state} in the queue {queue}" for queue, state, count in ill_jobs]


def depths(conn: Connection) -> list[Depth]:
    """The number of jobs by queue and state; without a row where there are none."""
    return [Depth(*row) for row in conn.execute(_DEPTHS, _LIMITS)]


def retry(conn: Connection, job_id: int) -> bool:
    """Run a failed job again now. Returns False where it did not fail."""
    return conn.execute(_RETRY, {"id": job_id}).rowcount > 0


def cancel(conn: Connection, job_id: int) -> bool:
    """Cancel a job that failed or was not begun, so that its work is not done. Returns False where that cannot be."""
    return conn.execute(_CANCEL, {"id": job_id, "watched": list(WATCHED)}).rowcount > 0


def forget_done(conn: Connection) -> int:
    """Delete failed jobs whose work was done later. Returns how many."""
    return conn.execute(_FORGET_DONE).rowcount
