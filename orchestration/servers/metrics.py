"""What Prometheus reads of Dagster: runs, the beat of its daemon, and how the checks of data ended last."""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import cast

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from coinsphere.clock import utc_now

_DAY = timedelta(days=1)
_MOST_RUNS = 2_000
_checks = AssetCheckExecutionsTable.c
_NEWEST = sa.select(sa.func.max(_checks.id)).group_by(_checks.asset_key, _checks.check_name)
_WARNS = sa.and_(
    _checks.execution_status == "FAILED",
    _checks.evaluation_event.contains('"AssetCheckSeverity.WARN"'),
)
"""A verdict on a model, or an oddity that was set aside: Dagster keeps it as failed, and nothing has to be done."""
_ENDED = sa.case((_WARNS, "WARNED"), else_=_checks.execution_status)
_CHECKS = (
    sa.select(_ENDED.label("status"), sa.func.count().label("checks"))
    .where(_checks.id.in_(_NEWEST))
    .group_by(_ENDED)
)


class DagsterMetrics(Collector):
    """Asked of the instance at each scrape; a database that is away leaves `coinsphere_dagster_up` at 0 alone."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The figures of this instant."""
        try:
            families = [self._unfinished(), self._of_day(), self._beats(), self._checks()]
        except sa.exc.SQLAlchemyError:
            families = []
        is_up = float(bool(families))
        yield GaugeMetricFamily(
            "coinsphere_dagster_up", "1 where Dagster's database answers.", is_up
        )
        yield from families

    def _unfinished(self) -> GaugeMetricFamily:
        runs = self._runs(dg.RunsFilter(statuses=NOT_FINISHED_STATUSES))
        description = "Age of the oldest run that has not finished, by its state."
        family = GaugeMetricFamily("coinsphere_run_oldest_seconds", description, labels=["status"])
        oldest: dict[str, float] = {}
        for run in runs:
            status, created = run.dagster_run.status.value, run.create_timestamp.timestamp()
            oldest[status] = max(oldest.get(status, 0.0), time.time() - created)
        for status, seconds in oldest.items():
            family.add_metric([status], seconds)
        return family

    def _of_day(self) -> GaugeMetricFamily:
        runs = self._runs(dg.RunsFilter(created_after=utc_now() - _DAY))
        counted = Counter((run.dagster_run.job_name, run.dagster_run.status.value) for run in runs)
        family = GaugeMetricFamily(
            "coinsphere_runs",
            "Runs of the last 24 hours, by what became of them.",
            labels=["job", "status"],
        )
        for labels, count in counted.items():
            family.add_metric(labels, count)
        return family

    def _beats(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "coinsphere_daemon_beat_age_seconds",
            "Time since each of Dagster's daemons beat.",
            labels=["daemon"],
        )
        for name, beat in self._instance.get_daemon_heartbeats().items():
            family.add_metric([name], time.time() - beat.timestamp)
        return family

    def _checks(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "coinsphere_asset_checks",
            "Checks of data, by how each ended last; WARNED is no failure.",
            labels=["status"],
        )
        # Every storage that Dagster has is one of SQL; only its base class does not say so.
        storage = cast("SqlEventLogStorage", self._instance.event_log_storage)
        with storage.index_connection() as conn:
            for row in conn.execute(_CHECKS):
                family.add_metric([row.status], row.checks)
        return family

    def _runs(self, wanted: dg.RunsFilter) -> list[dg.RunRecord]:
        return list(self._instance.get_run_records(wanted, limit=_MOST_RUNS))
