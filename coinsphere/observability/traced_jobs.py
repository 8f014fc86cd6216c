"""Measures and traces each job of the worker: its wait, its time, its result, and the request that caused it."""

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import structlog
from procrastinate import JobContext
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker
from prometheus_client import Counter, Histogram

from coinsphere.observability import requests, traces
from coinsphere.observability.parts import Part

LAG = Histogram(
    "coinsphere_job_lag_seconds",
    "Time from when a job could begin to when it did.",
    ["queue"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)
DURATION = Histogram(
    "coinsphere_job_duration_seconds",
    "Time that a job took, whatever became of it.",
    ["task"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
ENDED = Counter("coinsphere_jobs_ended", "Tries of jobs, by how they ended.", ["task", "outcome"])

_ASKED = """
    select j.request_id, extract(epoch from clock_timestamp() - greatest(j.scheduled_at, (
        select max(at) from procrastinate_events
        where job_id = j.id and type in ('deferred', 'deferred_for_retry')
    )))::float8 as lag
    from procrastinate_jobs j where j.id = %(id)s
"""


def announce(tasks: Iterable[str]) -> None:
    """Create the counters at zero: Prometheus sees no increase in a series that begins at 1."""
    for task in tasks:
        for outcome in ("done", "failed"):
            ENDED.labels(task, outcome)


async def traced(call_next: Callable[[], Awaitable[Any]], context: JobContext, _: Worker) -> object:
    """Run a job with its request's id in the log, measured and traced; a middleware of procrastinate."""
    job = context.job
    # Each job is a task of its own, and so ends with what is bound; what is said of its end bears the id, too.
    structlog.contextvars.bind_contextvars(job_id=job.id)
    await _begin(context)
    began, outcome = time.perf_counter(), "failed"
    try:
        with traces.job(_part(context)):
            done = await call_next()
        outcome = "done"
    finally:
        DURATION.labels(job.task_name).observe(time.perf_counter() - began)
        ENDED.labels(job.task_name, outcome).inc()
    return done


def _part(context: JobContext) -> Part:
    job = context.job
    attributes: dict[str, str | int | float] = {
        "messaging.system": "procrastinate",
        "messaging.destination.name": job.queue,
        "messaging.operation.type": "process",
        "coinsphere.job.id": job.id or 0,
        "coinsphere.job.attempts": job.attempts,
    }
    return Part(f"process {job.task_name}", attributes)


async def _begin(context: JobContext) -> None:
    job = context.job
    try:
        row = await context.app.connector.execute_query_one_async(_ASKED, id=job.id)
    except ConnectorException:
        return  # the job finds out for itself, and is tried again
    requests.bind(row["request_id"])
    if row["lag"] is not None:
        LAG.labels(job.queue).observe(max(0.0, row["lag"]))
