"""When jobs run, all in UTC. Every schedule runs from the start; a second run of a job waits for the first."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg

from orchestration import minute
from orchestration.jobs import Job
from orchestration.market.assets import DailyReach, HourlyReach
from orchestration.partitions import newest_days

_CRONS = {
    minute.NAME: (
        "* * * * *",
        "Quotes and alerts, every minute, without a run; what fails is tried again by one.",
    ),
    "hourly": (
        "5 1-23 * * *",
        "Candles and dbt, five minutes past; the daily job does it at midnight.",
    ),
    "daily": (
        "10 0 * * *",
        "Ten minutes after the daily close, when exchanges have settled the candle.",
    ),
    "training": ("30 1 * * 0", "On Sundays, after the daily job."),
    "evaluation": ("30 3 1 * *", "On the first of the month."),
    "defi": ("25 0 * * *", "After the daily close; DefiLlama's figures are of the day."),
    "housekeeping": ("40 2 * * *", "At a quiet hour."),
    "backup_drill": ("20 4 * * 6", "On Saturdays, at a quiet hour."),
}
_OF_DAYS = ("hourly", "daily")
"""Jobs with daily partitions: their runs cover yesterday and today."""
_CONFIG = {
    "daily": dg.RunConfig(
        ops={
            "market__candles_daily": DailyReach(fill_gaps=True),
            "market__candles_hourly": HourlyReach(fill_gaps=True),
        }
    )
}
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]
_FILLS = ("history", "pipeline")
"""What a new system does first: it ends in all that the scheduled jobs make."""
_FILLS_AT_MOST = timedelta(hours=9)
"""One that was killed may be called unfinished for ever, so an older one holds up nothing."""


def build(jobs: Sequence[Job], resources: Mapping[str, Any]) -> list[dg.ScheduleDefinition]:
    """One schedule for each job that has a time; `resources` are what the minute works with."""
    return [_schedule(job, resources) for job in jobs if job.name in _CRONS]


def _schedule(job: Job, resources: Mapping[str, Any]) -> dg.ScheduleDefinition:
    cron, description = _CRONS[job.name]

    def request(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        asked = _request_unless_running(context, job.name)
        if job.name == minute.NAME and isinstance(asked, dg.RunRequest):
            return minute.instead_of(asked, context.instance, resources)
        return asked

    return dg.ScheduleDefinition(
        name=job.name,
        job=job,
        cron_schedule=cron,
        execution_timezone="UTC",
        description=description,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        execution_fn=request,
    )


def _request_unless_running(
    context: dg.ScheduleEvaluationContext, job: str
) -> dg.RunRequest | dg.SkipReason:
    """Ask for a run unless the last one is unfinished: runs that pile up only make each other later.

    While the history is filled there is nothing to train on yet, or only a part of it.
    """
    unfinished = dg.RunsFilter(job_name=job, statuses=_UNFINISHED)
    if context.instance.get_runs_count(unfinished) > 0:
        return dg.SkipReason("The last run is not finished.")
    since = context.scheduled_execution_time - _FILLS_AT_MOST
    fills = [
        dg.RunsFilter(job_name=each, statuses=_UNFINISHED, created_after=since) for each in _FILLS
    ]
    if job != minute.NAME and any(map(context.instance.get_runs_count, fills)):
        return dg.SkipReason("The history is being filled.")
    return dg.RunRequest(
        tags=newest_days(context.scheduled_execution_time) if job in _OF_DAYS else {},
        run_config=_CONFIG.get(job),
    )
