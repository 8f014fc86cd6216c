"""The tables that the suites look at, read from a real database."""

from datetime import UTC, datetime, timedelta

import pytest

from coinsphere.market.quality import set_aside
from coinsphere.market.quality.outliers import RULE
from expectations import runner
from expectations.frames import candles as candle_frame
from expectations.frames import hourly as hourly_frame
from expectations.frames import quotes as quote_frame
from expectations.suites import candles, quotes
from expectations.suites import hourly as hourly_suite
from orchestration.checks import effects

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
_CANDLE = """
    insert into market.price_data
        (token_id, interval, opened_at, open, high, low, close, volume, source, is_final, observed_at)
    select id, %(interval)s, %(at)s, %(close)s, %(close)s, %(close)s, %(close)s, 1, 'kraken', true, now()
    from market.tokens where symbol = %(symbol)s
"""


def _candle(owner, at, close, interval="1d", symbol="BTC"):
    owner.execute(_CANDLE, {"interval": interval, "at": at, "close": close, "symbol": symbol})


@pytest.fixture
def days(owner):
    """Forty days of Bitcoin and Tether, in a database of live prices."""
    owner.execute("update market.tokens set is_active = symbol in ('BTC', 'USDT')")
    owner.execute("insert into market.origin (source) values ('live')")
    midnight = NOW.replace(hour=0, minute=0)
    days = [midnight - timedelta(days=back) for back in range(40, 0, -1)]
    for number, day in enumerate(days):
        _candle(owner, day, 100 + number % 3)
        _candle(owner, day, 1, symbol="USDT")
    return days


def _broken(rows, suite):
    return {
        found.rule.name for found in runner.validate(rows, suite, ["symbol"]) if not found.passed
    }


def test_the_last_hour_of_a_day_is_the_second_reading_of_its_close(owner, pipeline, days):
    _candle(owner, days[-1] + timedelta(hours=23), 100, interval="1h")
    _candle(owner, days[-2] + timedelta(hours=22), 1, interval="1h")
    owner.execute("update market.price_data set close = high where interval = '1d'")

    rows = candle_frame.read(pipeline, NOW, 1500)

    assert len(rows) == 80
    assert rows["second_close"].count() == 1
    assert _broken(rows, candles.SUITE) == set()

    owner.execute(
        "update market.price_data set open = 90, high = 90, low = 90, close = 90 where interval = '1h'"
    )
    assert _broken(candle_frame.read(pipeline, NOW, 1500), candles.SUITE) == {
        "close_agrees_with_a_second_source"
    }


def test_an_hour_that_is_set_aside_is_no_second_reading_of_its_day(owner, pipeline, days):
    _candle(owner, days[-1] + timedelta(hours=23), 1000, interval="1h")
    owner.execute("update market.price_data set quality = 'suspect' where interval = '1h'")

    assert candle_frame.read(pipeline, NOW, 1500)["second_close"].isna().all()


def test_a_wrong_hour_is_set_aside_alone_and_believed_when_a_person_says_so(owner, pipeline, days):
    latest = NOW.replace(minute=0)
    for back in range(1, 31):
        price = 100_000 if back == 9 else 100 + back % 3
        _candle(owner, latest - timedelta(hours=back), price, interval="1h")
        _candle(owner, latest - timedelta(hours=back), 1, interval="1h", symbol="USDT")

    def checked(now):
        rows = hourly_frame.read(pipeline, now, 2)
        found = runner.validate(rows, hourly_suite.SUITE, ["symbol"])
        assert not [each.rule.name for each in found if each.blocks]
        return effects.settle(pipeline, hourly_suite.SUITE, found, rows, now)

    assert checked(NOW) == {RULE}
    (held,) = set_aside.entries(pipeline)
    assert (held.symbol, held.scope, held.about) == ("BTC", "hour", latest - timedelta(hours=9))
    assert (held.rule, held.evidence["close"]) == (RULE, "100000.0")
    suspect = "select interval, opened_at from market.price_data where quality = 'suspect'"
    assert owner.execute(suspect).fetchall() == [("1h", held.about)]

    assert set_aside.release(pipeline, [held.id], "operator ada", "seen", NOW) == 1
    assert checked(NOW + timedelta(minutes=1)) == set()
    assert owner.execute(suspect).fetchall() == []

    owner.execute(
        "update market.price_data set open = 100, high = 100, low = 100, close = 100 where opened_at = %s",
        [held.about],
    )
    assert checked(NOW + timedelta(minutes=2)) == set()
    assert set_aside.entries(pipeline, past=True)[0].state == "gone"


def test_hours_are_read_by_their_window_and_a_gap_only_warns(owner, pipeline, days):
    latest = NOW.replace(minute=0)
    assert _broken(hourly_frame.read(pipeline, NOW, 2), hourly_suite.SUITE) == {
        "there_are_hourly_candles"
    }
    for back in range(72):
        price = 100 + back % 3
        if back not in {5, 60}:
            _candle(owner, latest - timedelta(hours=back), price, interval="1h")
        _candle(owner, latest - timedelta(hours=back), 1, interval="1h", symbol="USDT")
    owner.execute("update market.price_data set is_final = false where opened_at = %s", [latest])

    rows = hourly_frame.read(pipeline, NOW, 2)
    found = runner.validate(rows, hourly_suite.SUITE, ["symbol"])

    assert (len(rows), rows["opened_at"].max()) == (95, latest)
    assert {each.rule.name for each in found if not each.passed} == {"no_hour_is_missing"}
    assert effects.settle(pipeline, hourly_suite.SUITE, found, rows, NOW) == set()
    assert set_aside.entries(pipeline) == []


def test_only_the_window_is_read(pipeline, days):
    assert candle_frame.read(pipeline, NOW, 10)["day"].nunique() == 10


def test_an_empty_table_is_a_finding_and_no_error(pipeline):
    assert _broken(candle_frame.read(pipeline, NOW, 10), candles.SUITE) == {"there_are_candles"}


def _quote(owner, symbol, price, observed_at):
    owner.execute(
        "insert into market.quotes (token_id, price, source, observed_at) "
        "select id, %s, 'kraken', %s from market.tokens where symbol = %s "
        "on conflict (token_id) do update set price = excluded.price, observed_at = excluded.observed_at",
        [price, observed_at, symbol],
    )


@pytest.mark.usefixtures("days")
def test_quotes_are_compared_with_the_last_close_the_peg_and_the_clock(owner, pipeline):
    _quote(owner, "BTC", 101, NOW)
    assert _broken(quote_frame.read(pipeline, NOW, 300), quotes.SUITE) == {
        "every_token_has_a_quote"
    }

    _quote(owner, "USDT", "0.85", NOW)
    assert _broken(quote_frame.read(pipeline, NOW, 300), quotes.SUITE) == {
        "stablecoins_are_near_their_peg"
    }

    _quote(owner, "USDT", 1, NOW - timedelta(seconds=301))
    _quote(owner, "BTC", 200, NOW)
    assert _broken(quote_frame.read(pipeline, NOW, 300), quotes.SUITE) == {
        "quotes_are_fresh",
        "jumps_are_bounded_by_volatility",
    }


@pytest.mark.usefixtures("days")
def test_quotes_from_files_are_never_stale(owner, pipeline):
    owner.execute("update market.origin set source = 'files'")
    for symbol, price in (("BTC", 100), ("USDT", 1)):
        _quote(owner, symbol, price, NOW - timedelta(days=500))

    assert _broken(quote_frame.read(pipeline, NOW, 300), quotes.SUITE) == set()


def test_what_a_person_vouches_for_is_believed_however_often_it_is_checked(owner, pipeline, days):
    owner.execute(
        "update market.price_data set open = 2000, high = 2000, low = 2000, close = 2000 "
        "where token_id = (select id from market.tokens where symbol = 'BTC') and opened_at = any(%s)",
        [days[-3:]],
    )

    def check(number):
        now = NOW + timedelta(hours=number)
        rows = candle_frame.read(pipeline, now, 1500)
        suite = candles.SUITE
        effects.settle(pipeline, suite, runner.validate(rows, suite, ["symbol"]), rows, now)
        return [
            quality
            for (quality,) in owner.execute(
                "select quality from market.price_data where opened_at = any(%s) and close = 2000 "
                "order by opened_at",
                [days[-3:]],
            )
        ]

    assert check(0) == ["suspect"] * 3
    ids = [each.id for each in set_aside.entries(pipeline)]
    assert set_aside.release(pipeline, ids, "operator ada", "another unit since then", NOW) == 3
    assert [check(1), check(2), check(3)] == [["confirmed"] * 3] * 3
    assert set_aside.entries(pipeline) == []
