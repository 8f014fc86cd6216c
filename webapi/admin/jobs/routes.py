"""Background jobs: which failed or are stuck, tried again or cancelled by an administrator."""

from typing import Any

from apiflask import APIBlueprint

from coinsphere.jobs import records
from webapi.admin.jobs import schemas, use_cases
from webapi.http import errors
from webapi.security.access import admin
from webapi.security.step_up import step_up
from webapi.services import services

blueprint = APIBlueprint("administration_jobs", __name__, tag="Administration")


@blueprint.get("")
@admin
@blueprint.input(schemas.ListQuery, location="query")
@blueprint.output(schemas.JobsOut)
def list_jobs(query_data: schemas.ListQuery) -> dict[str, Any]:
    """Background jobs that failed and whose work was not done later, and those that are stuck, newest first."""
    shown, following = use_cases.listed(query_data)
    return {"jobs": shown, "next_cursor": following}


@blueprint.get("/<number>")
@admin
@blueprint.output(schemas.OneJobOut)
def get_job(number: str) -> dict[str, Any]:
    """One job that is not done, and what happened to it."""
    job_id = use_cases.number_of(number)
    with services().database.connection() as conn:
        job = records.find(conn, job_id)
        if job is None:
            raise errors.not_found(use_cases.JOB)
        events = records.events(conn, job_id)
    return {"job": job, "events": [{"event": event, "at": at} for event, at in events]}


@blueprint.post("/<number>/retry")
@admin
@blueprint.output(schemas.ChangedJobOut)
def retry_job(number: str) -> dict[str, int]:
    """Try a failed job again now; 404 where it did not fail."""
    return {"id": use_cases.retry(number)}


@blueprint.post("/<number>/cancel")
@admin
@step_up
@blueprint.output(schemas.ChangedJobOut)
def cancel_job(number: str) -> dict[str, int]:
    """Forget a job that failed or was not begun: its work will not be done. A recent login is needed.

    404 for one that runs, and for one that a person waits for, like an import: they end by themselves.
    """
    return {"id": use_cases.cancel(number)}
