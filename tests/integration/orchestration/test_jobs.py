"""Whole jobs in one process: the real definitions, database, dbt and checks, with a small market of our own."""

from datetime import date, timedelta

import dagster as dg
import pytest

from coinsphere.errors import ConfigurationError
from orchestration.definitions import build_definitions
from orchestration.market.assets import CANDLES_DAILY
from orchestration.partitions import range_tags
from orchestration.warehouse.assets import FEATURES

FIRST, TODAY = date(2025, 11, 1), date(2026, 3, 10)


@pytest.fixture
def execute(settings, market, instance, now):
    """Run a job of the code location; the market and the clock are the tests' own."""
    repository = build_definitions(settings).get_repository_def()

    def run(job: str, tags=None, **kwargs) -> dg.ExecuteInProcessResult:
        return repository.get_job(job).execute_in_process(
            instance=instance,
            tags=tags,
            resources={"source": market, "clock": lambda: now},
            raise_on_error=False,
            **kwargs,
        )

    return run


def _checks(done: dg.ExecuteInProcessResult, asset: dg.AssetKey) -> dict[str, bool]:
    return {
        made.check_name: made.passed
        for made in done.get_asset_check_evaluations()
        if made.asset_key == asset
    }


def _states(done: dg.ExecuteInProcessResult) -> dict[str, str]:
    """What became of each step that was begun."""
    names = {"STEP_SUCCESS": "done", "STEP_FAILURE": "failed"}
    return {
        event.step_key: names[event.event_type_value]
        for event in done.all_events
        if event.event_type_value in names
    }


def _count(owner, table):
    return owner.execute(f"select count(*) from {table}").fetchone()[0]


def test_history_then_an_hour(execute, owner):
    """Candles, the suite, dbt with its tests, the suite of features, risk scores; a WARN is shown and holds up none."""
    assert execute("history", range_tags(FIRST, TODAY)).success
    days = (TODAY - FIRST).days + 1
    assert _count(owner, "market.price_data") == 2 * days
    owner.execute(
        "delete from market.price_data using market.tokens where id = token_id and symbol = 'BTC' "
        "and opened_at = '2026-01-05'"
    )

    done = execute("hourly", range_tags(TODAY - timedelta(days=1), TODAY))

    assert done.success
    assert set(_states(done).values()) == {"done"}
    assert _failed(_checks(done, CANDLES_DAILY)) == {"no_day_is_missing"}
    shown = _evaluation(done, "no_day_is_missing")
    assert shown.severity is dg.AssetCheckSeverity.WARN
    assert "| BTC | 2026-01-06 | 1 |" in shown.metadata["examples"].value
    assert _count(owner, "marts.ml_features_daily") == 2 * days
    assert _count(owner, "market.risk_scores") == 2
    assert _failed(_checks(done, FEATURES)) == {"trained_tokens_have_history"}


def test_an_error_blocks_what_lies_downstream(execute, owner):
    """A real price among simulated ones: neither dbt nor what follows may see it."""
    execute("history", range_tags(FIRST, TODAY))
    owner.execute("update market.price_data set source = 'kraken' where opened_at = '2026-02-01'")

    done = execute("hourly", range_tags(TODAY, TODAY))

    assert not done.success
    assert _failed(_checks(done, CANDLES_DAILY)) == {"simulated_and_real_prices_are_not_mixed"}
    states = _states(done)
    assert states["check_candles"] == "failed"
    assert states["market__candles_hourly"] == "done"
    assert not {"dbt_build", "check_features", "market__risk_scores"} & set(states)


def test_a_failed_test_of_dbt_is_not_tried_again(execute, owner):
    execute("history", range_tags(FIRST, TODAY))
    owner.execute("update market.tokens set peg_usd = 1, symbol = 'BTC2' where symbol = 'BTC'")
    owner.execute("alter table market.tokens drop constraint tokens_peg_usd_check")
    owner.execute("update market.tokens set peg_usd = -1 where symbol = 'BTC2'")

    done = execute("hourly", range_tags(TODAY, TODAY))

    assert _states(done)["dbt_build"] == "failed"
    assert not [event for event in done.all_events if event.is_step_up_for_retry]
    assert "check_features" not in _states(done)


def test_a_minute_fires_an_alert(execute, owner, now):
    owner.execute(
        """
        with someone as (
            insert into app.users (email, password_hash, email_verified) values ('a@example.org', 'x', true) returning id
        )
        insert into app.alerts (user_id, token_id, alert_type, condition, threshold)
        select someone.id, tokens.id, 'price', 'above', 99 from someone, market.tokens where symbol = 'BTC'
        """
    )

    done = execute("minute")

    assert done.success
    assert _states(done) == {"market__quotes": "done", "alerts__evaluations": "done"}
    (event,) = done.asset_materializations_for_node("alerts__evaluations")
    assert (event.metadata["evaluated"].value, event.metadata["fired"].value) == (1, 1)
    assert _count(owner, "app.alert_events") == 1
    assert _count(owner, "app.mails") == 1


def test_what_cannot_pass_is_not_tried_again(execute, market):
    market.failing["*"] = ConfigurationError("COINSPHERE_MARKET_EXCHANGES names no exchange")

    done = execute("minute")

    assert _states(done) == {"market__quotes": "failed"}
    assert not [event for event in done.all_events if event.is_step_up_for_retry]


def _failed(checks: dict[str, bool]) -> set[str]:
    return {name for name, passed in checks.items() if not passed}


def _evaluation(done: dg.ExecuteInProcessResult, name: str):
    return next(made for made in done.get_asset_check_evaluations() if made.check_name == name)
