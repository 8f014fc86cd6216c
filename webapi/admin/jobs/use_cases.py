"""What administrators do with background jobs: list, retry and cancel them."""

from collections.abc import Callable

from psycopg import Connection

from coinsphere.audit.events import Event
from coinsphere.jobs import records
from coinsphere.jobs.records import Job
from webapi.admin.jobs import schemas
from webapi.http import cursor, errors
from webapi.security import access, audit
from webapi.services import services

JOB = "job in that state"


def listed(query: schemas.ListQuery) -> tuple[list[Job], str | None]:
    """Jobs that failed or are stuck, or in the state asked for, and the cursor of the next page if there is one."""
    states = records.ILL if query.state is None else (query.state,)
    before = None if query.cursor is None else cursor.number(query.cursor)
    with services().database.connection() as conn:
        newest_jobs = records.newest(
            conn, states, queue=query.queue, before=before, limit=query.limit + 1
        )
    shown = newest_jobs[: query.limit]
    return shown, cursor.encode([shown[-1].id]) if len(newest_jobs) > len(shown) else None


def retry(job_id: str) -> int:
    """Try a failed job again now. Raises `errors.Problem`: 404 where it did not fail."""
    return _change(job_id, records.retry, Event.JOB_RETRIED)


def cancel(job_id: str) -> int:
    """Cancel a job. Raises `errors.Problem`: 404 for one that runs, or that a person waits for."""
    return _change(job_id, records.cancel, Event.JOB_CANCELLED)


def number_of(text: str) -> int:
    """Parses the number of a row. Raises `errors.Problem`: 404 for anything else."""
    number = int(text[:20]) if text.isascii() and text.isdecimal() else 0
    if not 0 < number < 1 << 63:
        raise errors.not_found(JOB)
    return number


def _change(job_id: str, change: Callable[[Connection, int], bool], event: Event) -> int:
    number = number_of(job_id)
    with services().database.connection() as conn:
        job = records.find(conn, number)
        if job is None or not change(conn, number):
            raise errors.not_found(JOB)
        audit.record(
            conn,
            event,
            actor_id=access.principal().user_id,
            target=str(number),
            details={"task": job.task},
        )
    return number
