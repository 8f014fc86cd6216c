"""A candle whose close the other venues deny is set aside, and says so; what nobody can judge is left alone."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from psycopg.types.json import Jsonb

from coinsphere.clock import DAY
from coinsphere.market.candles import store as candle_store
from coinsphere.market.model import Candle, Interval
from coinsphere.market.quality import set_aside
from expectations import runner
from expectations.frames import candles, hourly
from expectations.suites import candles as daily_suite
from expectations.suites import hourly as hourly_suite
from orchestration.checks import effects

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
TODAY = NOW.replace(hour=0, minute=0)
pytestmark = pytest.mark.usefixtures("real")


def candle(conn, token, interval: Interval, opened_at: datetime, close: str) -> None:
    numbers = map(Decimal, ("100", "130", "80", close))
    made = Candle(
        token.id, interval, opened_at, *numbers, volume=Decimal(5), source="kraken", is_final=True,
        observed_at=NOW,
    )  # fmt: skip
    candle_store.load(conn, [made], lambda: NOW)


def told(conn, token, at: datetime, venues: dict[str, str], jump: str | None = None) -> None:
    """What venues said at an instant; `kraken` is the candle's own."""
    said = [
        {"venue": venue, "price": price, "weight": "0.3", "noise": "10"}
        for venue, price in venues.items()
    ]
    said.append(
        {"venue": "left out", "price": "500", "weight": "0", "noise": "10", "left_out": "?"}
    )
    conn.execute(
        "insert into market.consensus (token_id, valid_at, price, confidence, agreed_at, state, venues, jump, usual_move,"
        " method, constituents) values (%s, %s, 100, 1, %s, 'ok', 3, %s, 5, 1, %s)",
        [token.id, at, at, jump, Jsonb(said)],
    )


AGREEING = {"kraken": "110", "binance": "100.1", "coinbase": "99.9", "okx": "100"}


def test_a_close_that_the_others_deny_is_set_aside_with_its_measure(pipeline, tokens) -> None:
    btc, eth = tokens("BTC", "ETH")
    for token, close in ((btc, "110"), (eth, "100.3")):
        candle(pipeline, token, Interval.DAY, TODAY - DAY, close)
        candle(pipeline, token, Interval.HOUR, TODAY - timedelta(hours=1), close)
        told(pipeline, token, TODAY + timedelta(seconds=5), AGREEING)
    for frame, suite, rule in (
        (candles.read(pipeline, NOW, 30), daily_suite.SUITE, "close_agrees_with_the_other_venues"),
        (hourly.read(pipeline, NOW, 30), hourly_suite.SUITE, "hourly_close_agrees_with_the_other_venues"),
    ):  # fmt: skip
        findings = runner.validate(frame, suite, ["symbol"])
        held = effects.settle(pipeline, suite, findings, frame, NOW)
        assert rule in held
        assert frame.set_index("symbol")["venues_gap"].between(0, 1).to_dict() == {
            "BTC": False,
            "ETH": True,
        }
    entries = set_aside.entries(pipeline)
    assert {(each.symbol, each.scope) for each in entries} == {("BTC", "candle"), ("BTC", "hour")}
    assert all("venues" in each.reason for each in entries)
    judged = pipeline.execute("select distinct quality from market.price_data where token_id = %s", [btc.id])  # fmt: skip
    assert judged.fetchall() == [("suspect",)]


@pytest.mark.parametrize(
    ("venues", "late", "jump"),
    [
        ({"kraken": "110", "binance": "100"}, 5, None),
        (AGREEING, 65, None),
        (AGREEING, -5, None),
        (AGREEING, 5, "confirmed"),
    ],
    ids=["one other", "a minute later", "before the close", "a jump"],
)
def test_what_nobody_can_judge_is_left_alone(pipeline, tokens, venues, late, jump) -> None:
    (btc,) = tokens("BTC")
    candle(pipeline, btc, Interval.DAY, TODAY - DAY, "110")
    told(pipeline, btc, TODAY + timedelta(seconds=late), venues, jump)
    assert candles.read(pipeline, NOW, 30)["venues_gap"].isna().all()


def test_within_a_day_of_a_change_of_unit_venues_may_quote_either(pipeline, tokens) -> None:
    (btc,) = tokens("BTC")
    candle(pipeline, btc, Interval.DAY, TODAY - DAY, "110")
    told(pipeline, btc, TODAY + timedelta(seconds=5), AGREEING)
    pipeline.execute(
        "insert into market.asset_events (kind, token_id, old_units, new_units, happened_at, reason, recorded_by)"
        " values ('redenomination', %s, 1000, 1, %s, 'a test', 'tester')",
        [btc.id, TODAY],
    )
    assert candles.read(pipeline, NOW, 30)["venues_gap"].isna().all()
