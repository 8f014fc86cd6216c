"""The simulated market: the same history however it is asked for, and one that looks like a market."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coinsphere.errors import OutsideWindow
from coinsphere.market.model import Interval, Token
from coinsphere.market.quality import validation
from coinsphere.market.simulation.factor import hour_of
from coinsphere.market.simulation.path import TokenPath
from coinsphere.market.simulation.profiles import key_of, profile_of
from coinsphere.market.sources.simulated import SimulatedMarket

NOW = datetime(2026, 3, 10, 12, 30, 17, tzinfo=UTC)
DAY = timedelta(days=1)


def market(seed=7, now=NOW):
    return SimulatedMarket(seed, lambda: now)


def values(candle):
    return candle[2:8]


def daily(token, days, *, seed=7, now=NOW):
    return list(market(seed, now).candles(token, Interval.DAY, now - days * DAY, now))


@settings(max_examples=25, deadline=None)
@given(first=st.integers(0, 2900), length=st.integers(1, 400), shift=st.integers(0, 100))
def test_any_range_gives_the_same_candles(first, length, shift):
    token = Token(UUID(int=1), "ETH", "Ether", "Ethereum", "ethereum", None, None)
    epoch = datetime(2018, 1, 1, tzinfo=UTC)
    start, end = epoch + first * DAY, epoch + (first + length) * DAY
    narrow = list(market().candles(token, Interval.DAY, start, end))
    wide = market().candles(token, Interval.DAY, start - shift * DAY, end + shift * DAY)
    assert [c for c in wide if start <= c.opened_at < end] == narrow
    assert all(isinstance(c.close, Decimal) for c in narrow)


def test_a_later_clock_changes_nothing_of_the_past(token):
    before = daily(token(), 30)[:-1]
    after = {c.opened_at: values(c) for c in daily(token(), 400, now=NOW + 320 * DAY)}
    assert [values(c) for c in before] == [after[c.opened_at] for c in before]


def test_seeds_and_tokens_differ(token):
    btc = [values(c) for c in daily(token(), 20)]
    assert btc != [values(c) for c in daily(token(), 20, seed=8)]
    assert btc != [values(c) for c in daily(token("ETH", "ethereum"), 20)]


def test_a_day_is_the_aggregate_of_its_hours(token):
    start = NOW.replace(hour=0, minute=0, second=0) - 3 * DAY
    (day,) = market().candles(token(), Interval.DAY, start, start + DAY)
    hours = list(market().candles(token(), Interval.HOUR, start, start + DAY))
    assert len(hours) == 24
    assert day.open == hours[0].open
    assert day.close == hours[-1].close
    assert day.high == max(hour.high for hour in hours)
    assert day.low == min(hour.low for hour in hours)
    assert float(day.volume) == pytest.approx(float(sum(hour.volume for hour in hours)), abs=0.01)


def test_candles_are_sound_and_only_the_running_one_is_unfinished(token):
    made = daily(token("SHIB", "shiba-inu"), 1500)
    assert [validation.candle_fault(c, NOW) for c in made if validation.candle_fault(c, NOW)] == []
    assert [c.is_final for c in made] == [True] * (len(made) - 1) + [False]
    assert made[-1].opened_at == NOW.replace(hour=0, minute=0, second=0)


def test_the_running_candle_ends_at_the_quote_and_stays_within_what_it_becomes(token):
    asked = daily(token(), 1)[-1]
    (quote,) = market().quotes([token()])
    assert asked.close == quote.price
    (finished,) = [c for c in daily(token(), 2, now=NOW + DAY) if c.opened_at == asked.opened_at]
    assert finished.low <= asked.low <= asked.high <= finished.high
    assert finished.open == asked.open


def test_a_quote_lies_within_the_candle_of_its_hour(token):
    for minute in range(0, 60, 7):
        now = NOW.replace(minute=minute)
        (quote,) = market(now=now).quotes([token()])
        start = NOW.replace(minute=0, second=0)
        later = market(now=NOW + DAY)
        (hour,) = later.candles(token(), Interval.HOUR, start, start + timedelta(hours=1))
        assert hour.low <= quote.price <= hour.high
        assert quote.observed_at == now.replace(second=0)


def test_an_hours_past_is_made_once_by_a_process(token, monkeypatch):
    now = NOW.replace(minute=1)
    market(now=now).quotes([token()])
    made = []
    monkeypatch.setattr(TokenPath, "bars", lambda *_: made.append("again"))
    (next_minute,) = market(now=now + timedelta(minutes=1)).quotes([token()])
    assert not made
    assert next_minute.observed_at == (now + timedelta(minutes=1)).replace(second=0)


def test_returns_look_like_a_market(token):
    closes = {
        name: np.array([float(c.close) for c in daily(token(name, name), 2500)])
        for name in ("bitcoin", "ethereum", "solana")
    }
    returns = {name: np.diff(np.log(prices)) for name, prices in closes.items()}
    btc = returns["bitcoin"]
    assert 0.3 < btc.std() * np.sqrt(365) < 1.0
    kurtosis = ((btc - btc.mean()) ** 4).mean() / btc.var() ** 2
    assert kurtosis > 4
    assert np.corrcoef(np.abs(btc[1:]), np.abs(btc[:-1]))[0, 1] > 0.1
    assert abs(np.corrcoef(btc[1:], btc[:-1])[0, 1]) < 0.1
    assert np.corrcoef(btc, returns["ethereum"])[0, 1] > 0.6
    assert returns["solana"].std() > btc.std()


def test_volume_follows_the_moves(token):
    made = daily(token(), 1000)[:-1]
    moves = np.array([abs(float(c.high / c.low) - 1) for c in made])
    dollars = np.array([float(c.volume * c.close) for c in made])
    assert np.corrcoef(np.log(moves), np.log(dollars))[0, 1] > 0.3


def test_a_stablecoin_stays_near_its_peg(token):
    made = daily(token("USDC", "usd-coin", peg="1"), 1500)
    assert all(0.97 < c.low <= c.high < 1.03 for c in made)


def test_a_token_added_by_hand_has_prices_too(token):
    assert len(daily(token("XYZ", None), 10)) == 10


def test_metadata_agrees_with_the_history(token):
    (facts,) = market().metadata([token()])
    made = daily(token(), 4000)
    assert facts.all_time_high >= max(c.high for c in made[:-1])
    assert facts.all_time_low <= min(c.low for c in made[:-1])
    assert facts.market_cap_rank == 1
    assert facts.source == "simulated"


def test_before_the_market_opened_there_is_nothing(token):
    assert list(market().candles(token(), Interval.DAY, NOW - 9000 * DAY, NOW - 8000 * DAY)) == []
    with pytest.raises(OutsideWindow):
        market(now=datetime(2017, 5, 1, tzinfo=UTC)).quotes([token()])


def test_regimes_last_and_differ_in_their_volatility():
    """Volatility in a panic is several times that of quiet days, and a regime lasts for weeks."""
    from coinsphere.market.simulation import factor

    regimes = factor._regimes(7, 2026)
    lengths = np.diff(np.flatnonzero(np.diff(regimes)))
    assert set(regimes.tolist()) == {0, 1, 2, 3}
    assert 15 < lengths.mean() < 80
    market_returns = factor.market_factor(7, 2026).returns.reshape(-1, 24).sum(axis=1)
    spread = {regime: market_returns[regimes == regime].std() for regime in (1, 3)}
    assert spread[3] > 3 * spread[1]


@pytest.mark.parametrize("seed", [1, 7, 20260101])
def test_hourly_returns_have_fat_tails_and_no_memory_of_their_sign(token, seed):
    made = market(seed).candles(token(), Interval.HOUR, NOW - 700 * DAY, NOW)
    closes = np.array([float(candle.close) for candle in made])
    returns = np.diff(np.log(closes))
    z = (returns - returns.mean()) / returns.std()
    assert (z**4).mean() > 5
    assert abs(np.corrcoef(z[1:], z[:-1])[0, 1]) < 0.05


def test_two_processes_make_the_same_market(token):
    """Nothing depends on Python's hash seed or on the order of questions."""
    import subprocess
    import sys

    script = (
        "from datetime import UTC, datetime, timedelta; from uuid import UUID\n"
        "from coinsphere.market.model import Interval, Token\n"
        "from coinsphere.market.sources.simulated import SimulatedMarket\n"
        "now = datetime(2026, 3, 10, 12, 30, 17, tzinfo=UTC)\n"
        "btc = Token(UUID(int=9), 'BTC', 'BTC', 'Bitcoin', 'bitcoin', None, None)\n"
        "source = SimulatedMarket(7, lambda: now)\n"
        "print(source.quotes([btc])[0].price)\n"
        "print(*(c.close for c in source.candles(btc, Interval.DAY, now - timedelta(days=3), now)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    (quote,) = market().quotes([token()])
    closes = " ".join(str(candle.close) for candle in daily(token(), 3))
    assert said.stdout.split("\n")[:2] == [str(quote.price), closes]


@pytest.mark.parametrize("symbol", ["BTC", "SHIB"])
def test_a_quote_moves_every_minute_and_reaches_the_extremes_of_its_hour(token, symbol):
    one = token(symbol, {"BTC": "bitcoin", "SHIB": "shiba-inu"}[symbol])
    key, profile = key_of(one), profile_of(one)
    path = TokenPath(7, key, profile, 2026)
    first = hour_of(NOW) - 200
    minutes = np.array([path.minutes(first + hour) for hour in range(200)])
    assert (np.diff(minutes, axis=1) == 0).mean() < 0.001
    bars = path.bars(first, first + 200)
    assert (minutes <= bars.high[:, None] * (1 + 1e-12)).all()
    assert np.isclose(minutes.max(axis=1), bars.high, rtol=1e-9).mean() > 0.8
    assert np.isclose(minutes.min(axis=1), bars.low, rtol=1e-9).mean() > 0.8
    assert (minutes >= bars.low[:, None] * (1 - 1e-12)).all()
    assert (minutes[:, 0] == bars.open).all()
    assert (minutes[:, -1] == bars.close).all()
    # No leap towards an extreme: the largest of sixty normal steps is 2.5 standard deviations in half of the hours.
    steps = np.abs(np.diff(np.log(minutes), axis=1)) / (
        path._spread[first : first + 200, None] / 60**0.5
    )
    largest = steps.max(axis=1)
    assert np.quantile(largest, 0.9) < 4.5
    assert np.median(largest) > 2


def test_the_volume_of_the_last_day_moves_with_the_minute_and_not_in_steps(token):
    volumes = [
        market(now=NOW.replace(minute=0) + timedelta(minutes=minute))
        .quotes([token()])[0]
        .volume_24h
        for minute in range(0, 121, 10)
    ]
    changes = np.diff([float(volume) for volume in volumes])
    assert len(set(volumes)) == len(volumes)
    # Across the hour it goes on as within it: no step that is a whole hour's volume.
    assert abs(changes).max() < 0.05 * float(volumes[0])
