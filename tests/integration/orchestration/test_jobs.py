"""Whole jobs in one process: the real definitions, database, dbt and checks, with a small market of our own."""

from datetime import date, timedelta

import dagster as dg
import pytest

from coinsphere.errors import ConfigurationError
from coinsphere.market.quality import set_aside
from expectations import data_docs
from orchestration.definitions import build_definitions
from orchestration.market.assets import CANDLES_DAILY
from orchestration.partitions import range_tags
from orchestration.servers import documents
from orchestration.warehouse import assets as warehouse
from orchestration.warehouse.assets import DBT_DOCS, FEATURES
from orchestration.warehouse.dbt import Dbt

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


def test_history_then_an_hour(execute, owner, settings, instance):
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
    assert _rows_told(done, FEATURES) == 2 * days
    assert _count(owner, "market.risk_scores") == 2
    assert _failed(_checks(done, FEATURES)) == {"trained_tokens_have_history"}
    _pages_tell_of_the_newest_run(settings)

    described = _described(settings, instance)
    page = documents.dbt(settings).read_text(encoding="utf-8")
    assert "ml_features_daily" in page
    assert "model_server" in page
    assert "| market.adjusted_candles | pass |" in _freshness(described)
    owner.execute("update market.price_data set ingested_at = now() - interval '2 days'")
    late = _described(settings, instance)
    assert "| market.adjusted_candles | error |" in _freshness(late)
    assert _failed(_checks(late, DBT_DOCS)) == {"sources_are_fresh"}


def _rows_told(done, asset) -> int:
    (event,) = [
        each.materialization
        for each in done.get_asset_materialization_events()
        if each.asset_key == asset
    ]
    return event.metadata["dagster/row_count"].value


def _freshness(done) -> str:
    return _evaluation(done, "sources_are_fresh").metadata["sources"].value


def _described(settings, instance) -> dg.ExecuteInProcessResult:
    """A run of the asset that describes the warehouse, alone."""
    done = dg.materialize(
        [warehouse.dbt_docs],
        instance=instance,
        resources={
            "settings": settings,
            "dbt": dg.ResourceDefinition.hardcoded_resource(Dbt(settings)),
        },
    )
    assert done.success
    return done


def _pages_tell_of_the_newest_run(settings):
    """Data Docs have one result of each suite, and the name of the rule that was broken."""
    pages = data_docs.pages(documents.checks(settings))
    index = (pages / "index.html").read_text(encoding="utf-8")
    for suite in ("check_candles", "check_hours", "check_features"):
        assert suite in index
        (result,) = (pages / "validations" / suite).rglob("*.html")
        assert result.stat().st_size > 1000


@pytest.mark.slow
def test_what_a_check_finds_is_set_aside_and_everything_else_goes_on(execute, owner, pipeline, now):
    """A real price among simulated ones: its day is carried on, and all else is built."""
    execute("history", range_tags(FIRST, TODAY))
    _break(owner, "BTC", "source = 'kraken'", "2026-02-01")

    done = execute("hourly", range_tags(TODAY, TODAY))

    assert done.success
    assert _failed(_checks(done, CANDLES_DAILY)) == {"simulated_and_real_prices_are_not_mixed"}
    assert set(_states(done).values()) == {"done"}
    assert _filled(owner) == [("BTC", date(2026, 2, 1))]
    (held,) = set_aside.entries(pipeline)
    assert (held.symbol, held.scope, held.state) == ("BTC", "candle", "held")

    assert set_aside.release(pipeline, [held.id], "operator ada", "it is kraken's", now) == 1
    done = execute("hourly", range_tags(TODAY, TODAY))

    assert _failed(_checks(done, CANDLES_DAILY)) == set()
    assert _filled(owner) == []
    (kept,) = set_aside.entries(pipeline, past=True)
    assert (kept.state, kept.changed_by, kept.change_reason) == (
        "released",
        "operator ada",
        "it is kraken's",
    )

    _break(owner, "BTC", "source = 'simulated'", "2026-02-01")
    execute("hourly", range_tags(TODAY, TODAY))
    assert [each.state for each in set_aside.entries(pipeline, past=True)] == ["gone"]
    assert _trail(owner) == [("held", "check"), ("released", "operator ada"), ("gone", "check")]


def test_a_fault_of_each_kind_in_a_token_of_31_leaves_30_as_they_are(execute, owner, pipeline):
    """Flat, a crash that is undone, another unit, a gap, a day of the future, and a token without any candle."""
    owner.execute("update market.tokens set is_active = true")
    assert _count(owner, "market.tokens") >= 31
    execute("history", range_tags(FIRST, TODAY))
    month = [date(2026, 2, 1) + timedelta(days=back) for back in range(37)]
    _break(owner, "SOL", "open = 1000, high = 1000, low = 1000, close = 1000", *month)
    _break(owner, "ETH", "close = close * 0.04, low = low * 0.04", date(2026, 1, 10))
    unit = "open = open * 1000, high = high * 1000, low = low * 1000, close = close * 1000"
    _break(owner, "ADA", unit, *month[3:13])
    owner.execute(_GAP, ["DOT", date(2026, 1, 5), date(2026, 1, 9)])
    _break(owner, "XRP", "opened_at = '2031-01-01'", date(2026, 1, 20))
    owner.execute(_GAP, ["LINK", FIRST, TODAY])

    done = execute("hourly", range_tags(TODAY, TODAY))

    assert done.success
    held = set_aside.entries(pipeline)
    assert {(each.symbol, each.scope, each.rule) for each in held} == {
        ("SOL", "token", "prices_still_move"),
        ("ETH", "candle", "no_close_is_ten_times_the_last"),
        ("ADA", "candle", "no_close_is_ten_times_the_last"),
        ("XRP", "candle", "no_candle_is_of_the_future"),
    }
    assert {each.about.date() for each in held if each.symbol == "ADA"} == set(month[3:13])
    assert [each.about.date() for each in held if each.symbol == "ETH"] == [date(2026, 1, 10)]
    assert _count(owner, "market.risk_scores") == _count(owner, "market.tokens") - 1
    late = owner.execute(
        "select count(distinct token_id) from marts.ml_features_daily where price_date = '2026-03-10'"
    ).fetchone()
    assert late == (_count(owner, "market.tokens"),)
    touched = {symbol for symbol, _ in _filled(owner)}
    assert touched == {"ETH", "ADA", "DOT", "XRP"}


_GAP = """
    delete from market.price_data where token_id = (select id from market.tokens where symbol = %s)
        and interval = '1d' and (opened_at at time zone 'UTC')::date between %s and %s
"""


def _break(owner, symbol, change, *days):
    owner.execute(
        f"update market.price_data set {change} where token_id = (select id from market.tokens where symbol = %s) "
        "and interval = '1d' and (opened_at at time zone 'UTC')::date = any(%s::date[])",
        [symbol, list(days)],
    )


def _filled(owner):
    return owner.execute(
        "select t.symbol, f.price_date from marts.ml_features_daily f join market.tokens t on t.id = f.token_id "
        "where f.is_filled order by 1, 2"
    ).fetchall()


def _trail(owner):
    return owner.execute("select state, actor from market.set_aside_trail order by id").fetchall()


def test_a_table_that_is_empty_blocks_what_lies_downstream(execute, owner):
    done = execute("hourly", range_tags(TODAY, TODAY), op_selection=["check_candles"])

    assert not done.success
    assert _failed(_checks(done, CANDLES_DAILY)) == {"there_are_candles"}


@pytest.mark.slow
def test_a_failed_test_of_dbt_is_not_tried_again(execute, owner):
    execute("history", range_tags(FIRST, TODAY))
    owner.execute("alter table market.tokens alter created_at drop not null")
    owner.execute("update market.tokens set created_at = null where symbol = 'BTC'")

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
    steps = ("market__quotes", "check_quotes", "alerts__evaluations")
    assert _states(done) == dict.fromkeys(steps, "done")
    (event,) = done.asset_materializations_for_node("alerts__evaluations")
    assert (event.metadata["judged"].value, event.metadata["fired"].value) == (1, 1)
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
