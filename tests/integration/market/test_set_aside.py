"""What is set aside, in a real database and in the pipeline's role: held, released, removed, gone."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from coinsphere.market.model import Quote
from coinsphere.market.quality import outliers, quarantine, quarantine_review, set_aside, summaries
from coinsphere.market.quality.quarantine import Rejected
from coinsphere.market.quality.set_aside import Scope, Subject
from coinsphere.market.quotes import store as quote_store

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
    assert quarantine_review.waiting(pipeline) == []


def test_an_hour_is_held_released_and_removed_beside_the_day_that_opens_with_it(
    owner, pipeline, token_id
):
    """Midnight's candle of the hour and that of the day share token and start: each is decided by itself."""
    hours = [DAYS[0], DAYS[0] + timedelta(hours=1)]
    for hour in hours:
        owner.execute(_CANDLE.replace("'1d'", "'1h'"), [token_id, hour])

    def state():
        rows = owner.execute(
            "select interval, quality from market.price_data order by 1, opened_at"
        )
        return "".join(f"{interval}:{quality} " for interval, quality in rows)

    days = "1d:ok 1d:ok 1d:ok "
    subjects = [Subject(token_id, hour, "a_rule", "It is wrong.", {"close": "5"}) for hour in hours]
    set_aside.apply(pipeline, Scope.HOUR, ["a_rule"], subjects, hours[0], NOW)
    assert state() == days + "1h:suspect 1h:suspect "
    (line,) = summaries.of_held(set_aside.entries(pipeline))
    assert line == "BTC, 2 hours from 2026-03-01 00:00 to 2026-03-01 01:00: It is wrong."
    # A check of days speaks of none of them.
    _hold(pipeline, token_id, now=NOW + timedelta(minutes=1))
    later, midnight = set_aside.entries(pipeline)
    assert (midnight.about, later.about) == tuple(hours)

    assert set_aside.release(pipeline, [midnight.id], "operator ada", "seen", NOW) == 1
    assert state() == days + "1h:confirmed 1h:suspect "
    assert set_aside.remove(pipeline, [later.id], "operator ada", "wrong unit", NOW) == 1
    assert state() == days + "1h:confirmed "
    (kept,) = quarantine_review.rows(pipeline, past=True)
    assert (kept.payload["interval"], kept.resolution) == ("1h", "rejected")


def test_an_hour_that_was_refused_is_used_after_all_and_vouched_for(owner, pipeline, token_id):
    owner.execute("insert into market.origin (source) values ('live')")
    payload = {"interval": "1h", "openedAt": "2026-02-28T05:00:00+00:00", "isFinal": "true"}
    payload |= dict.fromkeys(("open", "high", "low", "close"), "5000") | {"volume": None}
    quarantine.store(pipeline, [Rejected(token_id, "candle", "kraken", "too far", payload)])

    (waiting,) = quarantine_review.rows(pipeline)
    assert quarantine_review.release(pipeline, [waiting.id], "operator ada", "seen", NOW) == 1

    stored = "select close::int, quality from market.price_data where interval = '1h'"
    assert owner.execute(stored).fetchall() == [(5000, "confirmed")]
    (vouched,) = set_aside.entries(pipeline, past=True)
    assert (vouched.scope, vouched.state, vouched.rule) == ("hour", "released", outliers.RULE)
    assert owner.execute("select count(*) from market.price_data").fetchone() == (4,)


def test_a_token_is_passed_over_with_its_reason(pipeline, token_id):
    subject = Subject(token_id, None, "moves", "It stands still.", {})
    set_aside.apply(pipeline, Scope.TOKEN, ["moves"], [subject], DAYS[0], NOW)
    set_aside.apply(pipeline, Scope.TOKEN, ["moves"], [subject], DAYS[0], NOW)

    assert set_aside.token_reason(pipeline, token_id) == "It stands still."
    assert set_aside.reasons(pipeline, [token_id, uuid4()]) == {token_id: "It stands still."}
    set_aside.apply(pipeline, Scope.TOKEN, ["moves"], [], DAYS[0], NOW)
    assert set_aside.reasons(pipeline, [token_id]) == {}


def test_a_quote_that_is_the_close_of_a_candle_is_set_aside_with_it(owner, pipeline, token_id):
    owner.execute("insert into market.origin (source) values ('live')")
    closes = DAYS[2] + timedelta(days=1)
    quote = Quote(token_id, Decimal(5), None, None, None, "kraken", closes)

    def quality():
        return owner.execute("select quality from market.quotes").fetchone()[0]

    quote_store.store(pipeline, [quote], NOW)
    assert quality() == "ok"
    _hold(pipeline, token_id, DAYS[2])
    assert quality() == "suspect"
    owner.execute("delete from market.quotes")
    quote_store.store(pipeline, [quote], NOW + timedelta(minutes=1))
    assert quality() == "suspect"
    (held,) = set_aside.entries(pipeline)
    set_aside.release(pipeline, [held.id], "operator ada", "seen", NOW + timedelta(minutes=2))
    assert quality() == "ok"
    newer = Quote(token_id, Decimal(6), None, None, None, "kraken", NOW)
    quote_store.store(pipeline, [newer], NOW)
    assert quality() == "ok"
