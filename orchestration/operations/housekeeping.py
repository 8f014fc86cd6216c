"""Daily housekeeping: deletes old runs, old events of minutes and old minutes of prices, and makes partitions ahead."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import cast

import dagster as dg
import sqlalchemy as sa
from dagster._core.instance.utils import RUNLESS_RUN_ID
from dagster._core.storage.compute_log_manager import ComputeLogManager
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage

from coinsphere.clock import Clock
from coinsphere.db.pool import Database
from coinsphere.market.candles import store as candle_store
from coinsphere.market.consensus import store as consensus_store
from coinsphere.settings import Settings

_BATCH = 500
_KEPT: tuple[tuple[str | None, list[dg.DagsterRunStatus], timedelta], ...] = (
    ("minute", [dg.DagsterRunStatus.SUCCESS], timedelta(days=2)),
    ("minute", [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED], timedelta(days=14)),
    ("hourly", [dg.DagsterRunStatus.SUCCESS], timedelta(days=30)),
    (
        None,
        [
            dg.DagsterRunStatus.SUCCESS,
            dg.DagsterRunStatus.FAILURE,
            dg.DagsterRunStatus.CANCELED,
        ],
        timedelta(days=365),
    ),
)
"""For which job, None for any, runs that ended so are kept for how long."""
_MINUTES_KEPT = timedelta(days=2)
_OF_MINUTES = (dg.DagsterEventType.ASSET_OBSERVATION, dg.DagsterEventType.ASSET_MATERIALIZATION)
_events = SqlEventLogStorageTable.c


@dg.op(description="Delete runs past their time, with their events and captured output.")
def forget_old_runs(context: dg.OpExecutionContext, clock: dg.ResourceParam[Clock]) -> None:
    """Delete old runs and events of minutes, and say how many. What assets hold, and when it was last built, stays."""
    runs, events = forget(context.instance, clock()), forget_minutes(context.instance, clock())
    context.add_output_metadata({"runs_forgotten": runs, "events_forgotten": events})


@dg.op(description="Make the partitions of the candles of the coming months.")
def make_partitions(
    context: dg.OpExecutionContext,
    database: dg.ResourceParam[Database],
    clock: dg.ResourceParam[Clock],
) -> None:
    """Make the partitions that loaders will need, and say how many."""
    with database.connection() as conn:
        partitions = candle_store.make_partitions(conn, clock())
    context.add_output_metadata({"partitions_made": partitions})


@dg.op(
    description="Delete the minutes of the venues' prices past their time, but for each hour's first."
)
def forget_old_prices(
    context: dg.OpExecutionContext,
    settings: dg.ResourceParam[Settings],
    database: dg.ResourceParam[Database],
    clock: dg.ResourceParam[Clock],
) -> None:
    """Delete old minutes of the consensus, and say how many."""
    kept = timedelta(days=settings.market_consensus_days)
    with database.connection() as conn:
        forgotten = consensus_store.forget(conn, clock(), kept)
    context.add_output_metadata({"prices_forgotten": forgotten})


@dg.job(
    description="Forget runs and minutes of prices that nobody will look at again, and make partitions ahead.",
    tags={"dagster/max_runtime": "1800", "coinsphere/weight": "heavy"},
    executor_def=dg.in_process_executor,
)
def housekeeping() -> None:
    """Three steps; one that fails does not keep the others."""
    forget_old_runs()
    make_partitions()
    forget_old_prices()


def forget(instance: dg.DagsterInstance, now: datetime) -> int:
    """Delete the runs that are older at `now` than they are kept; returns how many."""
    count = 0
    for run_id in _old_runs(instance, now):
        _logs(instance).delete_logs(prefix=[run_id])
        instance.delete_run(run_id)
        count += 1
    return count


def forget_minutes(instance: dg.DagsterInstance, now: datetime) -> int:
    """Delete what minutes told of assets without a run, once it is old at `now`; returns how many events.

    2,880 come a day, and Dagster forgets events with their run alone. Which partitions there are, the import of files told
    without a run too: that stays.
    """
    old = sa.delete(SqlEventLogStorageTable).where(
        _events.run_id == RUNLESS_RUN_ID,
        _events.dagster_event_type.in_([each.value for each in _OF_MINUTES]),
        _events.partition.is_(None),
        _events.timestamp < (now - _MINUTES_KEPT).replace(tzinfo=None),
    )
    # Every storage that Dagster has is one of SQL; only its base class does not say so.
    with cast("SqlEventLogStorage", instance.event_log_storage).index_connection() as conn:
        return conn.execute(old).rowcount


def _old_runs(instance: dg.DagsterInstance, now: datetime) -> Iterator[str]:
    for job, statuses, kept in _KEPT:
        old = dg.RunsFilter(job_name=job, statuses=statuses, created_before=now - kept)
        while runs := instance.get_runs(old, limit=_BATCH):
            yield from (run.run_id for run in runs)


def _logs(instance: dg.DagsterInstance) -> ComputeLogManager:
    return instance.compute_log_manager
