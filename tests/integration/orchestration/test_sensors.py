"""What reacts to runs and the clock: the mail about a failure, and which runs schedules ask for."""

from datetime import UTC, datetime

import dagster as dg
import pytest

from coinsphere.settings import Settings
from orchestration import sensors
from orchestration.definitions import build_definitions
from orchestration.operations import notifications

NIGHT = datetime(2026, 3, 1, 0, 10, tzinfo=UTC)


@dg.op
def broken() -> None:
    raise dg.Failure("the disk is full", allow_retries=False)


@dg.job
def nightly() -> None:
    broken()


@pytest.fixture
def tell(settings, pool, instance, now):
    """Fail once, and tell the sensor."""

    def fail(at: datetime = now) -> str:
        done = nightly.execute_in_process(instance=instance, raise_on_error=False)
        context = dg.build_run_status_sensor_context(
            sensor_name="failed_run",
            dagster_instance=instance,
            dagster_run=done.dagster_run,
            dagster_event=next(event for event in done.all_events if event.is_run_failure),
            resources={"settings": settings, "database": pool, "clock": lambda: at},
        ).for_run_failure()
        sensors.failed_run(context)
        return done.run_id

    return fail


@pytest.fixture
def _people(owner):
    owner.execute(
        """
        insert into app.users (email, password_hash, role, is_active) values
            ('admin@example.org', 'x', 'admin', true), ('gone@example.org', 'x', 'admin', false),
            ('user@example.org', 'x', 'user', true)
        """
    )


@pytest.mark.usefixtures("_people")
def test_administrators_are_told_what_failed_and_where_to_look(tell, owner, settings):
    run_id = tell()

    recipient, subject, text = owner.execute(
        "select recipient, subject, body_text from app.mails"
    ).fetchone()
    assert (recipient, subject) == ("admin@example.org", "Coinsphere: the job nightly failed")
    assert "Steps: broken" in text
    assert f"http://127.0.0.1:{settings.dagster_port}/runs/{run_id}" in text
    assert "docs/runbooks/failed-run.md" in text


@pytest.mark.parametrize("operator", ["operator@example.org", "admin@example.org"])
@pytest.mark.usefixtures("_people")
def test_the_operator_is_told_too_and_once(owner, pool, now, operator):
    failed = notifications.FailedRun("nightly", "1", (), "it broke", "http://127.0.0.1/runs/1")
    with pool.connection() as conn:
        notifications.announce(conn, failed, now, operator)
    told = [to for (to,) in owner.execute("select recipient from app.mails order by 1")]
    assert told == sorted({"admin@example.org", operator})


@pytest.mark.usefixtures("_people")
def test_a_job_that_goes_on_failing_is_told_of_once_an_hour(tell, owner, now):
    tell()
    owner.execute("update app.mails set created_at = %s", [now])
    tell(now.replace(minute=59))
    assert owner.execute("select count(*) from app.mails").fetchone() == (1,)

    tell(now.replace(hour=now.hour + 1, minute=31))

    assert owner.execute("select count(*) from app.mails").fetchone() == (2,)


@pytest.fixture(scope="module")
def repository():
    return build_definitions(Settings()).get_repository_def()


@pytest.fixture(scope="module")
def schedules(repository):
    return {schedule.name: schedule for schedule in repository.schedule_defs}


def _ask(schedule, instance):
    with dg.build_schedule_context(instance=instance, scheduled_execution_time=NIGHT) as context:
        return schedule.evaluate_tick(context)


@pytest.mark.parametrize("name", ["minute", "training", "evaluation", "housekeeping"])
def test_a_schedule_asks_for_one_run(schedules, postgres_instance, name):
    (request,) = _ask(schedules[name], postgres_instance).run_requests

    assert "dagster/asset_partition_range_start" not in request.tags


@pytest.mark.parametrize("name", ["hourly", "daily"])
def test_candles_are_asked_of_the_day_that_closed_and_the_one_that_opened(
    schedules, postgres_instance, name
):
    (request,) = _ask(schedules[name], postgres_instance).run_requests

    assert request.tags["dagster/asset_partition_range_start"] == "2026-02-28"
    assert request.tags["dagster/asset_partition_range_end"] == "2026-03-01"
    assert bool(request.run_config) == (name == "daily")


@pytest.mark.parametrize("fill", ["history", "pipeline"])
def test_while_the_history_is_filled_the_minute_alone_is_asked_for(
    repository, schedules, postgres_instance, fill
):
    job = repository.get_job(fill)
    run = postgres_instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    try:
        ticks = {name: _ask(each, postgres_instance) for name, each in schedules.items()}
        assert [name for name, tick in ticks.items() if tick.run_requests] == ["minute"]
        assert ticks["training"].skip_message == "The history is being filled."
    finally:
        postgres_instance.delete_run(run.run_id)


def test_no_run_is_asked_for_while_the_last_one_is_unfinished(
    repository, schedules, postgres_instance
):
    job = repository.get_job("minute")
    run = postgres_instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)

    tick = _ask(schedules["minute"], postgres_instance)

    assert tick.run_requests == []
    assert tick.skip_message == "The last run is not finished."
    postgres_instance.delete_run(run.run_id)
