"""A scheduled minute: done where the schedule is due, and by a run where that fails."""

import dagster as dg
import pytest

from coinsphere import garbage
from coinsphere.errors import Unavailable
from orchestration import minute, resources, schedules
from orchestration.alerts.assets import EVALUATIONS
from orchestration.market.assets import QUOTES

_RUN = dg.RunRequest()


@pytest.fixture
def own(settings, market, now):
    """The resources; the market and the clock are the tests' own."""
    return {**resources.build(settings), "source": market, "clock": lambda: now}


@pytest.fixture
def tick(own, instance):
    """A minute that is due."""
    return lambda: minute.instead_of(_RUN, instance, own)


def _alert(owner) -> None:
    owner.execute(
        """
        with someone as (
            insert into app.users (email, password_hash, email_verified) values ('a@example.org', 'x', true) returning id
        )
        insert into app.alerts (user_id, token_id, alert_type, condition, threshold)
        select someone.id, tokens.id, 'price', 'above', 99 from someone, market.tokens where symbol = 'BTC'
        """
    )


def _count(owner, table: str) -> int:
    return owner.execute(f"select count(*) from {table}").fetchone()[0]


def test_quotes_are_refreshed_and_alerts_fire_without_a_run(tick, owner, instance):
    _alert(owner)

    assert tick().skip_message == "Done without a run: 2 quotes written, 1 alerts fired."

    assert (_count(owner, "market.quotes"), _count(owner, "app.alert_events")) == (2, 1)
    assert instance.get_runs_count() == 0


def test_the_schedule_does_it_itself(own, postgres_instance, now):
    (schedule,) = schedules.build([dg.define_asset_job(minute.NAME, "*")], own)

    with dg.build_schedule_context(
        instance=postgres_instance, scheduled_execution_time=now
    ) as context:
        done = schedule.evaluate_tick(context)

    assert (done.run_requests, done.skip_message[:4]) == ([], "Done")


def test_the_catalogue_is_told_and_checks_stay_of_the_newest_materialization(tick, instance):
    tick()

    assert instance.get_latest_materialization_event(QUOTES) is None
    (seen,) = instance.fetch_observations(QUOTES, limit=1).records
    assert seen.asset_observation.metadata["rows_written"].value == 2
    judged = instance.get_latest_materialization_event(EVALUATIONS).asset_materialization
    assert judged.metadata["judged"].value == 0


def test_what_fails_is_asked_for_as_a_run(tick, market, instance):
    market.failing["*"] = Unavailable("simulated", "down")

    assert tick() is _RUN
    assert not instance.fetch_observations(QUOTES, limit=1).records

    market.failing.clear()
    assert tick() is not _RUN


def test_each_minute_gives_back_the_memory_that_it_freed(tick, market, monkeypatch):
    given = []
    monkeypatch.setattr(garbage, "give_back_what_is_free", lambda: given.append("back"))

    tick()
    market.failing["*"] = Unavailable("simulated", "down")
    tick()

    assert given == ["back", "back"]


def test_a_minute_waits_for_the_one_before(tick, market, owner):
    later = []
    quotes = market.quotes
    market.quotes = lambda tokens: (later.append(tick()), quotes(tokens))[1]

    assert tick().skip_message.startswith("Done")

    assert [each.skip_message for each in later] == ["The last minute is still at work."]
    assert _count(owner, "market.quotes") == 2
