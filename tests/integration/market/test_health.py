"""Days with a fault of each kind: what is told of the token and of its venues, day by day, in the API's own role."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from coinsphere.clock import utc_now
from coinsphere.market.candles import store as candle_store
from coinsphere.market.model import Candle, Interval
from coinsphere.market.quality import health
from coinsphere.market.quality.health import Followed, Window

pytestmark = pytest.mark.usefixtures("real")
HOUR = timedelta(hours=1)
NOW = utc_now().replace(hour=12, minute=30, second=0, microsecond=0)
"""Of today, as the database says itself when a candle was corrected."""
TODAY = NOW.replace(hour=0, minute=0)


def candle(token_id, at, interval=Interval.HOUR, close="10", source="kraken"):
    numbers = [Decimal(10), Decimal(12), Decimal(9), Decimal(close)]
    return Candle(
        token_id, interval, at, *numbers, Decimal(5), source, is_final=True, observed_at=NOW
    )


def said(venue, apart, weight, age=20):
    return {
        "venue": venue,
        "currency": "USD",
        "apart": str(apart),
        "weight": str(weight),
        "age": age,
    }


def agree(owner, token_id, at, constituents, age=timedelta(0)):
    owner.execute(
        "insert into market.consensus (token_id, valid_at, price, confidence, agreed_at, state, venues, usual_move,"
        " method, constituents) values (%s, %s, 100, 0.05, %s, 'ok', 2, 0, 1, %s)",
        [token_id, at, at - age, json.dumps(constituents)],
    )


@pytest.fixture
def btc(pipeline, owner, tokens):
    """Hours since yesterday at 06:00 but for two, a daily candle of the day before alone, and a fault of each kind."""
    (found,) = tokens("BTC")
    begun = TODAY - 18 * HOUR
    hours = [begun + number * HOUR for number in range(30)]
    kept = [candle(found.id, at) for at in hours if at.hour not in (8, 22)]
    kept.append(candle(found.id, TODAY - 48 * HOUR, Interval.DAY))
    candle_store.load(pipeline, kept, lambda: NOW)
    candle_store.load(pipeline, [candle(found.id, hours[0], close="11")], lambda: NOW)
    for at, apart in ((TODAY - 6 * HOUR, 4), (TODAY - 3 * HOUR, 8)):
        agree(owner, found.id, at, [said("kraken", apart, "0.5"), said("okx", 700, 0, age=300)])
    # Of an hour only its first minute is looked at, and of what venues said only each third hour.
    for at in (TODAY - 3 * HOUR + timedelta(minutes=1), TODAY - 2 * HOUR):
        agree(owner, found.id, at, [said("kraken", 90, "1")])
    agree(owner, found.id, TODAY + 3 * HOUR, [said("kraken", 2, "1")], age=timedelta(minutes=7))
    for when, source in ((TODAY - HOUR, "okx"), (NOW, "file:x.csv"), (TODAY - 90 * HOUR, "okx")):
        owner.execute(
            "insert into market.quarantine (token_id, kind, source, reason, payload, quarantined_at)"
            " values (%s, 'quote', %s, 'jumped', '{}', %s)",
            [found.id, source, when],
        )
    owner.execute(
        "insert into market.set_aside (token_id, scope, rule, reason, since, changed_at, changed_by)"
        " values (%s, 'token', 'a_rule', 'odd', %s, %s, 'check')",
        [found.id, NOW, NOW],
    )
    return Followed(found.id, found.symbol)


@pytest.fixture
def api(database):
    with psycopg.connect(database.api, autocommit=True, options="-c timezone=UTC") as conn:
        yield conn


def test_a_tokens_days_say_what_is_missing_old_disputed_refused_and_revised(btc, api):
    days = health.of_tokens(api, [btc], Window.of(4, NOW), NOW)
    assert [each.day for each in days] == [(TODAY - n * 24 * HOUR).date() for n in (3, 2, 1, 0)]
    assert [(each.hours, each.expected_hours, each.has_day) for each in days] == [
        (0, None, None),
        (0, None, True),
        (16, 18, False),
        # At half past twelve the eleventh hour is over for more than an hour, the twelfth is not.
        (10, 11, None),
    ]
    assert [each.completeness for each in days] == [None, 1.0, 0.0, 10 / 11]
    assert [(each.age, each.disagreement) for each in days[2:]] == [
        (0, Decimal(5)),
        (420, Decimal(5)),
    ]
    assert [each.quarantined for each in days] == [0, 0, 1, 2]
    assert [each.revisions for each in days] == [0, 0, 0, 1]


def test_a_venues_days_say_how_often_it_spoke_voted_and_how_far_off_it_was(btc, api):
    found = health.of_venues(api, [btc], Window.of(2, NOW), NOW)
    told = [
        (each.venue, each.expected, each.answered, each.votes, each.age, each.disagreement)
        for each in found
    ]
    assert told == [
        ("kraken", 2, 2, 2, 20, Decimal(6)),
        ("kraken", 1, 1, 1, 20, Decimal(2)),
        ("okx", 2, 2, 0, 300, Decimal(700)),
        # It quotes the token, and said nothing today.
        ("okx", 1, 0, 0, None, None),
    ]
    assert [each.completeness for each in found] == [1.0, 1.0, 1.0, 0.0]
    assert [(each.quarantined, each.revisions) for each in found] == [
        (0, 0),
        (0, 1),
        (1, 0),
        (0, 0),
    ]


def test_what_began_within_the_three_hours_is_told_of_at_once(owner, api, tokens):
    (eth,) = tokens("ETH")
    agree(owner, eth.id, NOW - 2 * HOUR, [said("kraken", 4, "1")])
    (day,) = health.of_venues(api, [Followed(eth.id, "ETH")], Window.of(1, NOW), NOW)
    assert (day.venue, day.expected, day.answered) == ("kraken", 1, 1)


def test_tokens_are_told_page_by_page_and_a_delisted_one_by_name(btc, api, tokens, owner):
    everything = health.followed(api, 1000)
    first = health.followed(api, 10)
    assert first + health.followed(api, 1000, after=first[-1]) == everything
    owner.execute("update market.tokens set is_active = false where id = %s", [btc.id])
    assert btc not in health.followed(api, 1000)
    assert health.followed(api, 10, token_id=btc.id) == [btc]


def test_the_first_day_is_told_the_same_whatever_came_before(btc, api, pipeline):
    before = health.of_tokens(api, [btc], Window.of(1, NOW), NOW)
    old = [candle(btc.id, datetime(2024, 1, 1, tzinfo=UTC), each) for each in Interval]
    candle_store.load(pipeline, old, lambda: NOW)
    assert health.of_tokens(api, [btc], Window.of(1, NOW), NOW) == before
