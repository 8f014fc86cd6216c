"""Jobs that failed for good: each counts until the same work was done later, or somebody forgets it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

# The same work: the same task with the same arguments, whatever minute a periodic one was of.
_DONE_LATER = """
    exists (
        select from jobs.procrastinate_jobs later
        where later.id > j.id and later.status = 'succeeded' and later.task_name = j.task_name
            and later.args - 'timestamp' = j.args - 'timestamp'
    )
"""
_LIST = f"""
    select j.id, j.task_name as task, j.queue_name as queue, j.args, j.attempts,
        (select max(e.at) from jobs.procrastinate_events e where e.job_id = j.id and e.type = 'failed') as failed_at
    from jobs.procrastinate_jobs j
    where j.status = 'failed' and not {_DONE_LATER}
    order by j.id desc limit %(limit)s
"""  # noqa: S608 - both parts are ours  # nosec B608
_COUNT = f"select count(*) from jobs.procrastinate_jobs j where j.status = 'failed' and not {_DONE_LATER}"  # noqa: S608  # nosec B608
_FORGET_DONE = f"delete from jobs.procrastinate_jobs j where j.status = 'failed' and {_DONE_LATER}"  # noqa: S608  # nosec B608
_RETRY = """
    select jobs.procrastinate_retry_job_v2(id, now(), null, null, null)
    from jobs.procrastinate_jobs where id = %(id)s and status = 'failed'
"""
_FORGET = "delete from jobs.procrastinate_jobs where id = %(id)s and status = 'failed'"


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that is not tried again by itself; the worker's log tells why."""

    id: int
    task: str
    queue: str
    args: dict[str, Any]
    attempts: int
    failed_at: datetime | None


def newest(conn: Connection, limit: int = 50) -> Sequence[FailedJob]:
    """Those that count, the newest first."""
    return conn.cursor(row_factory=class_row(FailedJob)).execute(_LIST, {"limit": limit}).fetchall()


def count(conn: Connection) -> int:
    """How many count."""
    row = conn.execute(_COUNT).fetchone()
    return 0 if row is None else int(row[0])


def retry(conn: Connection, job_id: int) -> bool:
    """Try one again now; False where it did not fail."""
    return conn.execute(_RETRY, {"id": job_id}).rowcount > 0


def forget(conn: Connection, job_id: int) -> bool:
    """Forget one; False where it did not fail."""
    return conn.execute(_FORGET, {"id": job_id}).rowcount > 0


def forget_done(conn: Connection) -> int:
    """Forget those whose work was done later; how many they were."""
    return conn.execute(_FORGET_DONE).rowcount
