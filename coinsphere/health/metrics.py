"""Prometheus metrics of the whole system, from figures in the database that no single process knows.

They are asked of the database at each scrape, in one connection; where it is away they are absent, and
`coinsphere_database_up` is 0.
"""

from collections.abc import Iterator, Mapping

import psycopg
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from coinsphere.clock import Clock, utc_now
from coinsphere.health import certificates, conditions
from coinsphere.health.disk import Room
from coinsphere.jobs import records
from coinsphere.observability.exposition import gauge
from coinsphere.settings import Role, Settings

_AGES = """
    select
        extract(epoch from now() - (select max(observed_at) from market.quotes))::float8
            as coinsphere_quote_age_seconds,
        extract(epoch from now() - (
            select max(opened_at) from market.price_data where interval = '1d' and is_final
        ))::float8 as coinsphere_daily_candle_age_seconds,
        extract(epoch from now() - (select max(evaluated_at) from app.alert_observations))::float8
            as coinsphere_alert_age_seconds,
        extract(epoch from now() - (select max(issued_at) from model.predictions))::float8
            as coinsphere_forecast_age_seconds,
        (select count(*) from model.alarms where cleared_at is null)::float8 as coinsphere_model_alarms,
        extract(epoch from now() - (select max(finished_at) from app.backups))::float8
            as coinsphere_backup_age_seconds,
        (select bytes from app.backups order by finished_at desc limit 1)::float8 as coinsphere_backup_bytes,
        extract(epoch from now() - (select min(at) from app.backup_progress))::float8
            as coinsphere_log_stored_age_seconds,
        extract(epoch from now() - (select checked_at from app.books_verdict))::float8
            as coinsphere_books_checked_age_seconds,
        (select sum(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) from pg_replication_slots)::float8
            as coinsphere_log_behind_bytes,
        (select sum(numbackends) from pg_stat_database)::float8 as coinsphere_database_connections,
        current_setting('max_connections')::float8 as coinsphere_database_connections_most
"""
_DRILL = """
    select extract(epoch from now() - started_at)::float8 as coinsphere_drill_age_seconds,
        rpo_seconds as coinsphere_drill_rpo_seconds, rto_seconds as coinsphere_drill_rto_seconds,
        is_good::int::float8 as coinsphere_drill_good
    from app.backup_drills order by started_at desc limit 1
"""
_SAID: Mapping[str, str] = {
    "coinsphere_quote_age_seconds": "Age of the newest quote.",
    "coinsphere_daily_candle_age_seconds": "Time since the newest closed day's candle opened.",
    "coinsphere_alert_age_seconds": "Time since alerts were last compared with a good value.",
    "coinsphere_forecast_age_seconds": "Age of the newest forecast.",
    "coinsphere_model_alarms": "Things found wrong with issued forecasts or a new version, drift among them.",
    "coinsphere_backup_age_seconds": "Age of the newest base backup.",
    "coinsphere_backup_bytes": "Size of the newest base backup.",
    "coinsphere_log_stored_age_seconds": "Time since everything that was committed was stored at the place that lags most.",
    "coinsphere_books_checked_age_seconds": "Time since ledger, lots, positions and values were last compared.",
    "coinsphere_log_behind_bytes": "Log that PostgreSQL keeps for receivers.",
    "coinsphere_database_connections": "Connections to PostgreSQL.",
    "coinsphere_database_connections_most": "Connections that PostgreSQL lets in.",
    "coinsphere_drill_age_seconds": "Time since the last restore drill.",
    "coinsphere_drill_rpo_seconds": "Changes that the last drill would have lost.",
    "coinsphere_drill_rto_seconds": "How long the last drill took until the API answered.",
    "coinsphere_drill_good": "1 where the last drill found nothing wrong.",
}


class SystemFigures(Collector):
    """Collects the metrics anew at each scrape."""

    def __init__(self, settings: Settings, clock: Clock = utc_now) -> None:
        self._settings = settings
        self._clock = clock
        self._certificate = certificates.kept(settings.frontend_url, clock)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The figures of this instant."""
        room = Room.of(self._settings)
        yield gauge("coinsphere_disk_bytes", "Size of the state folder's disk.", room.size)
        yield gauge("coinsphere_disk_free_bytes", "Room on the state folder's disk.", room.free)
        try:
            with psycopg.connect(self._settings.url_for(Role.API), connect_timeout=3) as conn:
                families = [*self._of_jobs(conn), *self._of_conditions(conn), *_ages(conn)]
        except psycopg.Error:
            families = []
        is_up = float(bool(families))
        yield from self._of_certificate()
        yield gauge("coinsphere_database_up", "1 where PostgreSQL answers.", is_up)
        yield from families

    def _of_certificate(self) -> Iterator[GaugeMetricFamily]:
        shown = self._certificate()
        left = GaugeMetricFamily(
            "coinsphere_certificate_left_seconds",
            "How long the certificate of COINSPHERE_FRONTEND_URL is still good.",
        )
        life = GaugeMetricFamily(
            "coinsphere_certificate_life_seconds", "How long that certificate is good in all."
        )
        if shown is not None:
            left.add_metric([], (shown.ends_at - self._clock()).total_seconds())
            life.add_metric([], shown.life.total_seconds())
        yield from (left, life)

    def _of_jobs(self, conn: psycopg.Connection) -> list[GaugeMetricFamily]:
        labels = ["queue", "state"]
        jobs = GaugeMetricFamily(
            "coinsphere_jobs", "Background jobs that are not done.", labels=labels
        )
        oldest = GaugeMetricFamily(
            "coinsphere_job_oldest_seconds",
            "How long the first of them is in its state.",
            labels=labels,
        )
        for each in records.depths(conn):
            jobs.add_metric([each.queue, each.state], each.jobs)
            oldest.add_metric([each.queue, each.state], each.seconds)
        return [jobs, oldest]

    def _of_conditions(self, conn: psycopg.Connection) -> list[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "coinsphere_problems",
            "Things that are wrong though every process lives, by what is looked at.",
            labels=["check"],
        )
        for name, sentences in conditions.problems(conn, self._settings, self._clock()).items():
            family.add_metric([name], len(sentences))
        return [family]


def _ages(conn: psycopg.Connection) -> list[GaugeMetricFamily]:
    """One of each column; what is unknown is left out."""
    families = []
    for query in (_AGES, _DRILL):
        cursor = conn.execute(query)
        row = cursor.fetchone() or ()
        names = [column.name for column in cursor.description or ()]
        families += [
            gauge(name, _SAID[name], value)
            for name, value in zip(names, row, strict=False)
            if value is not None
        ]
    return families
