"""Closes are read from the day on that they are wanted from, once, with the last one before however old it is."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from coinsphere.portfolio.valuation.stored_market import StoredMarket
from tests.integration.portfolio.conftest import World

_CLOSE = """
    insert into market.price_data
        (token_id, interval, opened_at, open, high, low, close, source, is_final, observed_at)
    select %s, '1d', at, price, price, price, price, 'kraken', is_final, at
    from unnest(%s::timestamptz[], %s::numeric[], %s::boolean[]) as given (at, price, is_final)
"""
OLD, NEW = date(2024, 5, 1), date(2026, 3, 1)


@pytest.fixture
def market(world: World, owner) -> StoredMarket:
    """SOL with a close of two years ago, one of March, and one that is not final."""
    days = [datetime(each.year, each.month, each.day, tzinfo=UTC) for each in (OLD, NEW)]
    days.append(days[-1] + timedelta(days=1))
    owner.execute(
        _CLOSE,
        [world.tokens["SOL"], days, ["20.000000000000000001", "150", "999"], [True, True, False]],
    )
    return StoredMarket(world.conn)


def test_the_last_close_before_is_found_however_old(market: StoredMarket, world: World) -> None:
    sol = world.tokens["SOL"]
    assert market.close(sol, NEW - timedelta(days=1)) == Decimal("20.000000000000000001")
    assert market.close(sol, NEW + timedelta(days=5)) == 150
    assert market.closes(sol, NEW - timedelta(days=9), NEW) == [(NEW, Decimal(150))]
    assert market.close(sol, OLD) == Decimal("20.000000000000000001")
    assert market.close(sol, OLD - timedelta(days=1)) is None
    assert market.close(world.tokens["ADA"], NEW) is None


def test_what_was_prepared_is_not_read_again(
    market: StoredMarket, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [world.tokens[symbol] for symbol in ("SOL", "BTC", "ADA")]
    market.prepare(wanted, NEW)
    monkeypatch.setattr(market, "_conn", None)
    market.prepare(wanted, NEW + timedelta(days=1))
    assert [market.close(token_id, NEW) for token_id in wanted] == [
        150, Decimal("50206.580246881"), None,
    ]  # fmt: skip


def test_rates_are_of_the_day_or_the_last_before(world: World, owner) -> None:
    owner.execute(
        "insert into market.exchange_rates (currency, day, per_euro, source)"
        " values ('USD', '2026-02-02', 1.25, 'ecb'), ('USD', '2026-02-04', 1.5, 'ecb'), ('JPY', '2026-02-02', 160, 'ecb')"
    )
    market = StoredMarket(world.conn)
    assert market.per_dollar("EUR", date(2026, 2, 1)) is None
    assert market.per_dollar("EUR", date(2026, 2, 3)) == Decimal("0.8")
    assert market.per_dollar("JPY", date(2026, 2, 3)) == 128
    assert market.now_per_dollar("JPY", date(2026, 2, 3)) == 128
    assert market.now_per_dollar("EUR", date(2026, 2, 5)) == pytest.approx(
        Decimal(1) / Decimal("1.5")
    )
    assert market.now_per_dollar("CHF", date(2026, 2, 5)) is None
    assert market.now_per_dollar("USD", date(2026, 2, 1)) == 1


def test_closes_are_those_that_were_believed(
    market: StoredMarket, world: World, owner, pipeline
) -> None:
    """A close that is corrected; with it the one of the day after, which goes on at it."""
    sol, moments = world.tokens["SOL"], []
    for price in ("151", "152"):
        moments.append(pipeline.execute("select clock_timestamp()").fetchone()[0])
        owner.execute(
            "update market.price_data set high = 200, close = %s, ingested_at = clock_timestamp()"
            " where token_id = %s and opened_at = %s",
            [price, sol, datetime(NEW.year, NEW.month, NEW.day, tzinfo=UTC)],
        )
    believed = [StoredMarket(world.conn, each) for each in (*moments, None)]
    assert [known.close(sol, NEW + timedelta(days=1)) for known in believed] == [150, 151, 152]
    assert {known.close(sol, OLD) for known in believed} == {Decimal("20.000000000000000001")}
    assert {known.now_per_dollar("SOL", NEW) for known in believed} == {
        known.per_dollar("SOL", NEW) for known in believed
    }
    before_all = datetime(2020, 1, 1, tzinfo=UTC)
    assert StoredMarket(world.conn, before_all).close(sol, NEW) is None
