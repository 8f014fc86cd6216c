"""The market's assets against a real database."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from coinsphere.errors import NotListed, Unavailable
from orchestration.market import assets
from orchestration.partitions import range_tags

_ALL = [assets.quotes, assets.token_metadata, assets.candles_daily, assets.candles_hourly]


def _materialize(asset, settings, pool, market, instance, **kwargs):
    return dg.materialize(
        [asset],
        resources={"settings": settings, "database": pool, "source": market, "clock": lambda: NOW},
        instance=instance,
        **kwargs,
    )


NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)


def _scalar(owner, query):
    return owner.execute(query).fetchone()[0]


def test_quotes_are_stored_and_counted(settings, pool, market, instance, owner):
    done = _materialize(assets.quotes, settings, pool, market, instance)

    (event,) = done.asset_materializations_for_node("market__quotes")
    assert event.metadata["dagster/row_count"].value == 2
    assert event.metadata["rows_written"].value == 2
    assert event.metadata["source"].value == "simulated"
    assert event.metadata["errors"].value == "none"
    assert _scalar(owner, "select count(*) from market.quotes") == 2


def test_a_token_without_a_quote_is_named(settings, pool, market, instance):
    market.failing["ETH"] = NotListed("simulated", "ETH")

    done = _materialize(assets.quotes, settings, pool, market, instance)

    (event,) = done.asset_materializations_for_node("market__quotes")
    assert "ETH" in event.metadata["errors"].value


def test_a_provider_that_is_down_is_asked_again_and_then_fails(settings, pool, market, instance):
    market.failing["*"] = Unavailable("simulated", "down")

    done = _materialize(assets.quotes, settings, pool, market, instance, raise_on_error=False)

    assert not done.success
    retries = [event for event in done.all_events if event.is_step_restarted]
    assert len(retries) == assets.quotes.op.retry_policy.max_retries


def test_metadata_is_stored(settings, pool, market, instance, owner):
    assert _materialize(assets.token_metadata, settings, pool, market, instance).success
    assert _scalar(owner, "select count(*) from market.token_metadata") == 2


def _history(settings, pool, market, instance, first, last):  # noqa: PLR0917 - fixtures, and the days
    tags = range_tags(datetime.fromisoformat(first).date(), datetime.fromisoformat(last).date())
    return _materialize(assets.candles_daily, settings, pool, market, instance, tags=tags)


def test_a_range_of_days_is_one_run_and_one_event_a_day(settings, pool, market, instance, owner):
    done = _history(settings, pool, market, instance, "2026-03-01", "2026-03-10")

    events = done.asset_materializations_for_node("market__candles_daily")
    assert [event.partition for event in events] == [f"2026-03-{day:02}" for day in range(1, 11)]
    assert [len(event.metadata) > 0 for event in events] == [False] * 9 + [True]
    assert events[-1].metadata["dagster/row_count"].value == 20
    assert {symbol for symbol, *_ in market.asked} == {"BTC", "ETH"}
    assert len(market.asked) == 2
    open_days = (
        "select array_agg(distinct opened_at::date::text) from market.price_data where not is_final"
    )
    assert _scalar(owner, open_days) == ["2026-03-10"]


def _contents(owner):
    query = "select token_id, opened_at, open, high, low, close, volume, is_final from market.price_data order by 1, 2"
    return owner.execute(query).fetchall()


def test_any_order_of_days_gives_the_same_table(settings, pool, market, instance, owner):
    _history(settings, pool, market, instance, "2026-03-01", "2026-03-06")
    whole = _contents(owner)
    owner.execute("delete from market.price_data")

    for first, last in [
        ("2026-03-04", "2026-03-06"),
        ("2026-03-01", "2026-03-01"),
        ("2026-03-01", "2026-03-05"),
    ]:
        _history(settings, pool, market, instance, first, last)

    assert _contents(owner) == whole
    assert len(whole) == 12


def test_the_same_days_again_write_no_row(settings, pool, market, instance):
    _history(settings, pool, market, instance, "2026-03-01", "2026-03-05")

    done = _history(settings, pool, market, instance, "2026-03-01", "2026-03-05")

    newest = done.asset_materializations_for_node("market__candles_daily")[-1]
    assert newest.metadata["rows_received"].value == 10
    assert newest.metadata["rows_written"].value == 0


def test_the_daily_job_asks_for_missing_days_again(settings, pool, market, instance, owner):
    _history(settings, pool, market, instance, "2026-03-01", "2026-03-09")
    owner.execute("delete from market.price_data where opened_at = '2026-03-04'")

    done = _materialize(
        assets.candles_daily,
        settings,
        pool,
        market,
        instance,
        tags=range_tags(date(2026, 3, 9), date(2026, 3, 9)),
        run_config=dg.RunConfig(ops={"market__candles_daily": assets.DailyReach(fill_gaps=True)}),
    )

    newest = done.asset_materializations_for_node("market__candles_daily")[-1]
    assert newest.metadata["gap_rows_written"].value == 2
    assert (
        _scalar(owner, "select count(*) from market.price_data where opened_at = '2026-03-04'") == 2
    )


@pytest.mark.parametrize(("config", "days"), [(None, 2), (5, 5)])
def test_hourly_candles_reach_back_as_asked(  # noqa: PLR0917 - fixtures and a case
    settings, pool, market, instance, config, days
):
    run_config = dg.RunConfig(ops={"market__candles_hourly": assets.HourlyReach(days=config)})

    _materialize(assets.candles_hourly, settings, pool, market, instance, run_config=run_config)

    assert {start for _, start, _ in market.asked} == {NOW - timedelta(days=days)}


def test_hourly_candles_overlap_the_last_run_by_a_day(settings, pool, market, instance):
    _materialize(assets.candles_hourly, settings, pool, market, instance)
    market.asked.clear()

    done = _materialize(assets.candles_hourly, settings, pool, market, instance)

    assert {start for _, start, _ in market.asked} == {NOW.replace(minute=0) - timedelta(days=1)}
    (event,) = done.asset_materializations_for_node("market__candles_hourly")
    assert event.metadata["rows_written"].value == 0
    # No daily candle was fetched: the hours alone are complete; no venue said anything.
    told = {name: each.value for name, each in event.metadata.items() if "yesterday" in name}
    assert told == {
        "yesterday/completeness_percent": 100,
        "yesterday/rows_quarantined": 0,
        "yesterday/candles_revised": 0,
    }


def test_what_the_feed_keeps_is_not_asked_for(settings, pool, market, instance, owner):
    owner.execute(
        "insert into market.feed (started_at, beat_at, settled_at, token_ids)"
        " select %(now)s, %(now)s, %(now)s, array_agg(id) from market.tokens",
        {"now": NOW - timedelta(seconds=50)},
    )
    market.failing["*"] = Unavailable("simulated", "nobody may ask")

    assert _materialize(assets.quotes, settings, pool, market, instance).success

    owner.execute("update market.feed set settled_at = %s", [NOW - timedelta(minutes=2)])
    late = _materialize(assets.quotes, settings, pool, market, instance, raise_on_error=False)
    assert not late.success
