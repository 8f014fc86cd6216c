"""Dagster's instance as `dagster.yaml` describes it, on a real PostgreSQL: what is recorded, and what is forgotten."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.runs.schema import RunsTable

from coinsphere.db.pool import Database
from coinsphere.local.processes import dagster_environment
from coinsphere.settings import Settings
from orchestration.alerts.assets import EVALUATIONS
from orchestration.market.assets import CANDLES_DAILY, QUOTES
from orchestration.operations.housekeeping import forget, forget_minutes, housekeeping


def test_the_template_is_what_the_guide_says(postgres_instance):
    runs = postgres_instance.get_concurrency_config().run_queue_config
    assert runs.max_concurrent_runs == 2
    assert runs.tag_concurrency_limits == [
        {"key": "coinsphere/weight", "value": "heavy", "limit": 1}
    ]
    assert postgres_instance.get_concurrency_config().pool_config.default_pool_limit == 1
    assert postgres_instance.run_monitoring_enabled
    assert postgres_instance.run_retries_enabled
    assert postgres_instance.get_settings("run_retries")["retry_on_asset_or_op_failure"] is False
    assert not postgres_instance.telemetry_enabled
    assert not postgres_instance.nux_enabled


@pytest.mark.parametrize("kind", list(InstigatorType))
def test_no_tick_is_kept_for_ever(postgres_instance, kind):
    days = postgres_instance.get_tick_retention_settings(kind).values()

    assert all(0 < kept <= 30 for kept in days)


def test_the_days_of_a_range_are_stored_together(postgres_instance, monkeypatch):
    named = Settings.from_env({"COINSPHERE_DAGSTER_DATABASE_URL": "postgresql://localhost/dagster"})
    size = "DAGSTER_EVENT_BATCH_SIZE"
    monkeypatch.setenv(size, dagster_environment(named)[size])
    days = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-04-01")

    @dg.asset(partitions_def=days, backfill_policy=dg.BackfillPolicy.single_run())
    def candles() -> None:
        pass

    tags = {
        "dagster/asset_partition_range_start": "2026-01-01",
        "dagster/asset_partition_range_end": "2026-03-31",
    }
    run = dg.materialize([candles], instance=postgres_instance, tags=tags)

    with postgres_instance.event_log_storage.index_connection() as conn:
        stored = conn.exec_driver_sql(
            "select count(*), count(distinct xmin::text), count(distinct partition) from event_logs "
            "where run_id = %s and dagster_event_type = 'ASSET_MATERIALIZATION'",
            (run.run_id,),
        ).one()
    postgres_instance.delete_run(run.run_id)
    assert stored == (90, 1, 90)


@dg.asset
def something() -> int:
    return 1


def _run(instance, job: str, created_at: datetime) -> str:
    """A finished run of a job of that name, as if created then."""
    repository = dg.Definitions(
        assets=[something], jobs=[dg.define_asset_job(job, [something])]
    ).get_repository_def()
    definition = repository.get_job(job)
    run_id = definition.execute_in_process(instance=instance).run_id
    with instance.run_storage.connect() as conn:
        conn.execute(
            RunsTable.update()
            .where(RunsTable.c.run_id == run_id)
            .values(create_timestamp=created_at.replace(tzinfo=None))
        )
    return run_id


def test_old_runs_of_the_minute_are_forgotten_and_assets_are_not(postgres_instance):
    now = datetime.now(UTC)
    old = _run(postgres_instance, "minute", now - timedelta(days=3))
    young = _run(postgres_instance, "minute", now - timedelta(days=1))
    training = _run(postgres_instance, "training", now - timedelta(days=300))

    assert forget(postgres_instance, now) == 1

    assert {run.run_id for run in postgres_instance.get_runs()} == {young, training}
    assert postgres_instance.all_logs(old) == []
    assert postgres_instance.get_latest_materialization_event(something.key) is not None


def test_old_minutes_are_forgotten_and_what_others_reported_is_not(postgres_instance):
    told = [
        dg.AssetObservation(QUOTES),
        dg.AssetMaterialization(EVALUATIONS),
        dg.AssetMaterialization(CANDLES_DAILY, partition="2026-03-01"),
    ]
    now = datetime.now(UTC)
    forget_minutes(postgres_instance, now + timedelta(days=3))  # what other tests told
    for event in told:
        postgres_instance.report_runless_asset_event(event)
    assert forget_minutes(postgres_instance, now + timedelta(days=1)) == 0

    assert forget_minutes(postgres_instance, now + timedelta(days=3)) == 2

    keys = sa.select(SqlEventLogStorageTable.c.asset_key).where(
        SqlEventLogStorageTable.c.run_id == ""
    )
    with postgres_instance.event_log_storage.index_connection() as conn:
        assert conn.execute(keys).scalars().all() == [CANDLES_DAILY.to_string()]
    assert postgres_instance.get_latest_materialization_event(EVALUATIONS) is not None


def test_the_job_says_how_much_it_forgot_and_made_partitions_ahead(
    postgres_instance, database, owner
):
    now = datetime.now(UTC)
    _run(postgres_instance, "hourly", now - timedelta(days=31))

    with Database(database.pipeline, size=1) as pool:
        done = housekeeping.execute_in_process(
            instance=postgres_instance,
            resources={
                "clock": lambda: now,
                "database": pool,
                "settings": Settings.from_env({"COINSPHERE_DATABASE_URL": database.pipeline}),
            },
        )

    told: dict[str, object] = {}
    for event in done.all_events:
        if event.is_successful_output:
            metadata = event.step_output_data.metadata
            told |= {name: value.value for name, value in metadata.items()}
    assert told == {
        "runs_forgotten": 1,
        "events_forgotten": 0,
        "partitions_made": told["partitions_made"],
        "prices_forgotten": 0,
    }
    assert told["partitions_made"] >= 2
    for ahead in (0, 31, 62):
        month = f"market.price_data_{now + timedelta(days=ahead):%Y%m}"
        assert owner.execute("select to_regclass(%s)", [month]).fetchone() != (None,)
