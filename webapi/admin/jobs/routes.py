"""Background jobs: which failed or are stuck, tried again or cancelled by an administrator."""

from collections.abc import Callable
from typing import Any

from apiflask import APIBlueprint
from psycopg import Connection

from coinsphere import job_records
from coinsphere.security.audit_events import Event
from webapi.admin.jobs import schemas
from webapi.http import cursor, errors
from webapi.security import access, audit
from webapi.security.access import admin
from webapi.security.step_up import step_up
from webapi.services import services

blueprint = APIBlueprint("administration_jobs", __name__, tag="Administration")

_JOB = "job in that state"


@blueprint.get("")
@admin
@blueprint.input(schemas.ListQuery, location="query")
@blueprint.output(schemas.JobsOut)
def list_jobs(query_data: schemas.ListQuery) -> dict[str, Any]:
    """Background jobs that failed and whose work was not done later, and those that are stuck, newest first."""
    states = job_records.ILL if query_data.state is None else (query_data.state,)
    before = None if query_data.cursor is None else cursor.number(query_data.cursor)
    with services().database.connection() as conn:
        found = job_records.newest(
            conn, states, queue=query_data.queue, before=before, limit=query_data.limit + 1
        )
    shown = found[: query_data.limit]
    following = cursor.encode([shown[-1].id]) if len(found) > len(shown) else None
    return {"jobs": shown, "next_cursor": following}


@blueprint.get("/<job_id>")
@admin
@blueprint.output(schemas.OneJobOut)
def get_job(job_id: str) -> dict[str, Any]:
    """One job that is not done, and what happened to it."""
    number = _number(job_id)
    with services().database.connection() as conn:
        found = job_records.find(conn, number)
        if found is None:
            raise errors.not_found(_JOB)
        told = job_records.events(conn, number)
    return {"job": found, "events": [{"event": event, "at": at} for event, at in told]}


@blueprint.post("/<job_id>/retry")
@admin
@blueprint.output(schemas.ChangedJobOut)
def retry_job(job_id: str) -> dict[str, int]:
    """Try a failed job again now; 404 where it did not fail."""
    return _change(job_id, job_records.retry, Event.JOB_RETRIED)


@blueprint.post("/<job_id>/cancel")
@admin
@step_up
@blueprint.output(schemas.ChangedJobOut)
def cancel_job(job_id: str) -> dict[str, int]:
    """Forget a job that failed or was not begun: its work will not be done. A recent login is needed.

    404 for one that runs, and for one that a person waits for, like an import: they end by themselves.
    """
    return _change(job_id, job_records.cancel, Event.JOB_CANCELLED)


def _change(job_id: str, change: Callable[[Connection, int], bool], event: Event) -> dict[str, int]:
    number = _number(job_id)
    with services().database.connection() as conn:
        found = job_records.find(conn, number)
        if found is None or not change(conn, number):
            raise errors.not_found(_JOB)
        audit.record(
            conn,
            event,
            actor_id=access.principal().user_id,
            target=str(number),
            details={"task": found.task},
        )
    return {"id": number}


def _number(text: str) -> int:
    """The number of a row; 404 where it can be none."""
    number = int(text[:20]) if text.isascii() and text.isdecimal() else 0
    if not 0 < number < 1 << 63:
        raise errors.not_found(_JOB)
    return number
