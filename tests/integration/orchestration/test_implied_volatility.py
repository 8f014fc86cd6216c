"""Implied volatility in the database: what was told when, and a Deribit that is away and fails nothing."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from coinsphere.market import implied_volatility as closes
from orchestration.market import implied_volatility as asset
from tests.fakes import deribit

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)


@pytest.fixture
def server():
    """Deribit, with ten days of BTC and ETH up to yesterday."""
    first = datetime(2026, 2, 28, tzinfo=UTC)
    days = [int((first + timedelta(days=at)).timestamp() * 1000) for at in range(11)]
    with deribit.served() as served:
        for currency in ("BTC", "ETH"):
            served.candles[currency] = [[day, 60, 61, 59, 50 + at] for at, day in enumerate(days)]
        yield served


@pytest.fixture
def run(server, settings, pool, instance, owner):
    """Materializes the asset and its check, of a live market unless told otherwise; gives what both say."""
    owner.execute("insert into market.origin (source) values ('live')")

    def made(now=NOW):
        result = dg.materialize(
            [asset.implied_volatility, *asset.CHECKS],
            resources={
                "settings": settings.model_copy(update={"deribit_url": server.url}),
                "database": pool,
                "clock": dg.ResourceDefinition.hardcoded_resource(lambda: now),
            },
            instance=instance,
        )
        (event,) = result.get_asset_materialization_events()
        (check,) = result.get_asset_check_evaluations()
        facts = {name: fact.value for name, fact in event.materialization.metadata.items()}
        return facts, check

    return made


def test_finished_days_are_stored_once_and_a_correction_is_a_row_more(run, server, owner):
    """Today's candle is unfinished; what was told first is what a forecast of that day knew."""
    facts, check = run()
    assert (facts["rows_written"], facts["problem"]) == (20, "none")
    assert facts["newest_BTC"] == facts["newest_ETH"] == "2026-03-09"
    assert check.passed
    assert run()[0]["rows_written"] == 0
    server.candles["BTC"][3][4] = 77.7
    facts, _ = run()
    assert (facts["rows_written"], facts["dagster/row_count"]) == (1, 21)
    told = owner.execute(
        "select percent from market.implied_volatility where currency = 'BTC' and day = '2026-03-03' order by learned_at"
    ).fetchall()
    assert told == [(53.0,), (77.7,)]
    assert run()[0]["rows_written"] == 0
    known = closes.first_told(owner)
    assert known["BTC"][date(2026, 3, 3)] == 53.0
    assert {currency: len(days) for currency, days in known.items()} == {"BTC": 10, "ETH": 10}


def test_a_currency_that_cannot_be_had_stops_no_other_and_no_run(run, server):
    del server.candles["ETH"]
    facts, check = run()
    assert facts["rows_written"] == 10
    assert "ETH: " in facts["problem"]
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.WARN
    assert check.metadata["late"].value == "ETH"


def test_a_deribit_that_is_away_is_told_of_when_its_last_close_is_old(run, server):
    run()
    server.refusal = (503, "")
    facts, check = run(NOW + timedelta(days=2))
    assert "HTTP status 503" in facts["problem"] or "not JSON" in facts["problem"]
    assert check.passed
    assert run(NOW + timedelta(days=3))[1].metadata["late"].value == "BTC, ETH"


def test_a_volatility_that_no_market_implied_is_named(run, server):
    server.candles["BTC"][2][4] = 5600
    _, check = run()
    assert not check.passed
    assert check.metadata["implausible"].value == "BTC on 2026-03-02: 5600 %"


def test_a_market_that_is_not_live_asks_nobody_and_says_so(run, server, owner):
    owner.execute("update market.origin set source = 'simulated', seed = 1")
    facts, check = run()
    assert "origin of prices here is simulated" in facts["not_asked"]
    assert check.passed
    assert server.asked == []
