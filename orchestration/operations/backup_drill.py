"""The weekly drill: the newest backup is restored and looked at; a drill that fails is a run that fails, and is mailed."""

import dagster as dg

from coinsphere.backup import drill, places, sealing
from coinsphere.clock import Clock
from coinsphere.settings import Settings


@dg.op(
    description="Restore the newest backup beside the running system, look at it, and note what was lost."
)
def restore_and_look(
    context: dg.OpExecutionContext,
    settings: dg.ResourceParam[Settings],
    clock: dg.ResourceParam[Clock],
) -> None:
    """Fail where anything is wrong with the backup; where none are made here there is nothing to look at."""
    if not settings.makes_backups:
        context.log.info("No backups are made here.")
        return
    report = drill.run(settings, places.build(settings)[0], sealing.build(settings), clock)
    context.add_output_metadata(
        {
            "backup": report.backup_id or "none",
            "rpo_seconds": -1.0 if report.rpo_seconds is None else report.rpo_seconds,
            "rto_seconds": report.rto_seconds,
            "rows": report.rows,
        }
    )
    if not report.is_good:
        problems = "; ".join(f"{name}: {problem}" for name, problem in report.problems.items())
        raise dg.Failure(f"The backup is not good. {problems}", allow_retries=False)


@dg.job(
    description="Restore the newest backup and look at it: nothing is a backup before that.",
    tags={"dagster/max_runtime": "7200", "coinsphere/weight": "heavy"},
    executor_def=dg.in_process_executor,
)
def backup_drill() -> None:
    """One step."""
    restore_and_look()
