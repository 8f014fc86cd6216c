"""Request and response bodies of `/admin/jobs`."""

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from webapi.admin.schemas import Cursor
from webapi.http.schema import Output, Query

State = Literal["failed", "stuck", "running", "waiting"]
Queue = Literal["mail", "portfolios", "exchanges", "wallets", "housekeeping"]

_JOB: dict[str, Any] = {
    "id": 4711,
    "task": "anchor_audit",
    "queue": "housekeeping",
    "args": {"timestamp": 1764000060},
    "attempts": 1,
    "scheduledAt": None,
    "changedAt": "2026-11-24T08:41:02Z",
    "state": "failed",
}


class ListQuery(Query):
    """Which jobs."""

    state: State | None = Field(
        None, description="In this state only; without it those that failed or are stuck."
    )
    queue: Queue | None = Field(None, description="Of this queue only.")
    limit: int = Field(50, ge=1, le=200)
    cursor: Cursor | None = None


class JobOut(Output):
    """A background job that is not done."""

    model_config = ConfigDict(json_schema_extra={"example": _JOB})

    id: int
    task: str
    queue: str
    args: dict[str, Any] = Field(description="What it is told to do.")
    attempts: int
    scheduled_at: datetime | None = Field(description="Not before then; null where at once.")
    changed_at: datetime | None = Field(description="Since when it is in its state.")
    state: State


class JobsOut(Output):
    """Background jobs, newest first."""

    model_config = ConfigDict(json_schema_extra={"example": {"jobs": [_JOB], "nextCursor": None}})

    jobs: list[JobOut]
    next_cursor: str | None


class JobEventOut(Output):
    """Something that happened to a job."""

    event: str = Field(description="`deferred`, `started`, `deferred_for_retry`, `failed` …")
    at: datetime


class OneJobOut(Output):
    """A job, and what happened to it, the first first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "job": _JOB,
                "events": [{"event": "deferred", "at": "2026-11-24T08:41:00Z"}],
            }
        }
    )

    job: JobOut
    events: list[JobEventOut]


class ChangedJobOut(Output):
    """That it was done."""

    model_config = ConfigDict(json_schema_extra={"example": {"id": 4711}})

    id: int
