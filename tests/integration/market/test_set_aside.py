"""What is set aside, in a real database and in the pipeline's role: held, released, removed, gone."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from coinsphere.market import quotes, refused, set_aside
from coinsphere.market.model import Quote
from coinsphere.market.set_aside import Scope, Subject

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAYS = [datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3)]
_CANDLE = """
    insert into market.price_data
        (token_id, interval, opened_at, open, high, low, close, volume, source, is_final, observed_at)
    values (%s, '1d', %s, 5, 5, 5, 5, 1, 'kraken', true, now())
"""


@pytest.fixture
def token_id(owner):
    (found,) = owner.execute("select id from market.tokens where symbol = 'BTC'").fetchone()
    for day in DAYS:
        owner.execute(_CANDLE, [found, day])
    return found


def _hold(conn, token_id, *days, now=NOW):
    subjects = [Subject(token_id, day, "a_rule", "It is wrong.", {"close": "5"}) for day in days]
    return set_aside.apply(conn, Scope.CANDLE, ["a_rule"], subjects, DAYS[0], now)


def _qualities(owner):
    return [
        quality
        for (quality,) in owner.execute("select quality from market.price_data order by opened_at")
    ]


def test_candles_are_held_until_their_cause_is_gone(owner, pipeline, token_id):
    assert _hold(pipeline, token_id, *DAYS[:2]) == {
        (token_id, DAYS[0], "a_rule"),
        (token_id, DAYS[1], "a_rule"),
    }
    assert _qualities(owner) == ["suspect", "suspect", "ok"]

    _hold(pipeline, token_id, DAYS[1], now=NOW + timedelta(hours=1))

    assert _qualities(owner) == ["ok", "suspect", "ok"]
    (held,) = set_aside.entries(pipeline)
    assert (held.symbol, held.about, held.since) == ("BTC", DAYS[1], NOW)


def test_a_release_lasts_as_long_as_its_cause_and_keeps_a_trail(owner, pipeline, token_id):
    _hold(pipeline, token_id, DAYS[0])
    (held,) = set_aside.entries(pipeline)

    assert set_aside.release(pipeline, [held.id], "operator ada", "seen", NOW) == 1
    assert _qualities(owner) == ["confirmed", "ok", "ok"]
    assert _hold(pipeline, token_id, DAYS[0], now=NOW + timedelta(hours=1)) == set()
    assert _qualities(owner)[0] == "confirmed"

    _hold(pipeline, token_id, now=NOW + timedelta(hours=2))
    assert _qualities(owner)[0] == "ok"
    assert len(_hold(pipeline, token_id, DAYS[0], now=NOW + timedelta(hours=3))) == 1
    trail = owner.execute("select state, actor, reason from market.set_aside_trail order by id")
    assert trail.fetchall() == [
        ("held", "check", "It is wrong."),
        ("released", "operator ada", "seen"),
        ("gone", "check", "its cause is gone"),
        ("held", "check", "It is wrong."),
    ]


def test_what_is_removed_is_kept_in_the_quarantine(owner, pipeline, token_id):
    _hold(pipeline, token_id, *DAYS[:2])
    ids = [each.id for each in set_aside.entries(pipeline)]

    assert set_aside.remove(pipeline, ids, "operator ada", "wrong unit", NOW) == 2
    assert _qualities(owner) == ["ok"]
    kept = owner.execute("select payload ->> 'close', resolution from market.quarantine").fetchall()
    assert kept == [("5.000000000000000000", "rejected")] * 2
    assert set_aside.entries(pipeline) == []
    assert refused.waiting(pipeline) == []


def test_a_token_is_passed_over_with_its_reason(pipeline, token_id):
    subject = Subject(token_id, None, "moves", "It stands still.", {})
    set_aside.apply(pipeline, Scope.TOKEN, ["moves"], [subject], DAYS[0], NOW)
    set_aside.apply(pipeline, Scope.TOKEN, ["moves"], [subject], DAYS[0], NOW)

    assert set_aside.token_reason(pipeline, token_id) == "It stands still."
    assert set_aside.reason(pipeline, token_id) == "It stands still."
    set_aside.apply(pipeline, Scope.TOKEN, ["moves"], [], DAYS[0], NOW)
    assert set_aside.reason(pipeline, token_id) is None


def test_a_quote_that_is_the_close_of_a_candle_is_set_aside_with_it(owner, pipeline, token_id):
    owner.execute("insert into market.origin (source) values ('live')")
    closes = DAYS[2] + timedelta(days=1)
    quote = Quote(token_id, Decimal(5), None, None, None, "kraken", closes)

    def quality():
        return owner.execute("select quality from market.quotes").fetchone()[0]

    quotes.store(pipeline, [quote], NOW)
    assert quality() == "ok"
    _hold(pipeline, token_id, DAYS[2])
    assert quality() == "suspect"
    owner.execute("delete from market.quotes")
    quotes.store(pipeline, [quote], NOW + timedelta(minutes=1))
    assert quality() == "suspect"
    (held,) = set_aside.entries(pipeline)
    set_aside.release(pipeline, [held.id], "operator ada", "seen", NOW + timedelta(minutes=2))
    assert quality() == "ok"
    newer = Quote(token_id, Decimal(6), None, None, None, "kraken", NOW)
    quotes.store(pipeline, [newer], NOW)
    assert quality() == "ok"
