"""Sensors: the mail about a failed run, and the one behind automation conditions."""

import dagster as dg

from coinsphere import log
from coinsphere.clock import Clock
from coinsphere.db.pool import Database
from coinsphere.settings import Settings
from orchestration import jobs
from orchestration.operations import notifications

_log = log.get("orchestration.sensors")

automation = dg.AutomationConditionSensorDefinition(
    "automation",
    target=dg.AssetSelection.all(),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
    run_tags=jobs.HEAVY,
    description="Launches what the assets' automation conditions ask for.",
)


@dg.run_failure_sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
    description="Tells the administrators of a failed run by mail, once an hour for each job.",
)
def failed_run(
    context: dg.RunFailureSensorContext,
    settings: dg.ResourceParam[Settings],
    database: dg.ResourceParam[Database],
    clock: dg.ResourceParam[Clock],
) -> None:
    """Log the failure and queue the mails."""
    run = context.dagster_run
    failed = notifications.FailedRun(
        job=run.job_name,
        run_id=run.run_id,
        steps=tuple(event.step_key or "" for event in context.get_step_failure_events()),
        message=context.failure_event.message or "",
        url=f"{settings.orchestrator_url}/runs/{run.run_id}",
    )
    with database.connection() as conn:
        mails = notifications.announce(conn, failed, clock(), settings.operator_email)
    _log.error("run failed", job=failed.job, run_id=failed.run_id, steps=failed.steps, mails=mails)
