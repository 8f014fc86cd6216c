"""What a venue does wrong in the feed stays its own: the real process, beside venues that work."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from threading import Event, Thread
from typing import Any

import psycopg
import pytest

from coinsphere.market.feed import states
from tests.fakes.streams import Streams

from .feeding import VENUES, all_heard, feed, price, until, venue_states

_QUICK = {
    "COINSPHERE_MARKET_FEED_SILENCE_SECONDS": "4",
    "COINSPHERE_MARKET_FEED_POLL_SECONDS": "1",
}


@contextmanager
def talking(streams: Streams) -> Iterator[None]:
    """The venues go on, so that none is silent that is not meant to be."""
    done = Event()

    def talk() -> None:
        while not done.wait(0.3):
            for name in VENUES:
                streams.say(name, **streams.venues[name].prices)

    thread = Thread(target=talk)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.fixture
def heard(database, owner, streams, tmp_path) -> Iterator[Streams]:
    """A feed that hears all three."""
    with talking(streams), feed(database, streams, tmp_path, **_QUICK):
        until(lambda: all_heard(owner))
        yield streams


def broken(conn: psycopg.Connection, name: str) -> states.VenueState:
    """The venue's state when it is asked."""

    def asked() -> Any:
        found = venue_states(conn).get(name)
        return found if found is not None and found.state == "polling" else None

    return until(asked)


def recovers(conn: psycopg.Connection, name: str) -> None:
    until(lambda: venue_states(conn)[name].state == "streaming")


def test_a_connection_that_drops_is_opened_anew(heard, owner):
    opened = heard.venues["kraken"].opened
    heard.drop("kraken")
    until(lambda: venue_states(owner)["kraken"].breaks == 1)
    recovers(owner, "kraken")
    assert heard.venues["kraken"].opened > opened
    assert [each.breaks for each in venue_states(owner).values()] == [0, 0, 1]


@pytest.mark.slow
def test_a_venue_that_says_nothing_is_asked_and_its_prices_count_on(heard, owner):
    venue = heard.venues["coinbase"]
    venue.is_frozen = True
    assert broken(owner, "coinbase").reason == "no price for 4 s"
    asked = venue.asked
    until(lambda: venue.asked > asked + 3)
    for name in VENUES:
        heard.venues[name].prices["BTC"] = "103.5"
    until(lambda: price(owner) == Decimal("103.5"))
    others = venue_states(owner)
    assert others["binance"].state == others["kraken"].state == "streaming"
    venue.is_frozen = False
    recovers(owner, "coinbase")


def test_a_gap_in_the_numbers_begins_anew(heard, owner):
    heard.skip("coinbase", 3)
    until(lambda: venue_states(owner)["coinbase"].gaps == 1)
    recovers(owner, "coinbase")
    assert venue_states(owner)["coinbase"].breaks == 1


_NONSENSE = (
    "{not json",
    "[" * 5_000,
    b"\x1f\x8b\x00damaged",
    '{"channel": 7, "data": {"a": 1}}',
    "7",
)


def test_messages_that_make_no_sense_between_others_end_nothing(heard, owner):
    for name in VENUES:
        for garbage in _NONSENSE:
            heard.send(name, garbage)
        heard.venues[name].prices["BTC"] = "99.75"
    until(lambda: price(owner) == Decimal("99.75"))
    assert [each.breaks for each in venue_states(owner).values()] == [0, 0, 0]


def test_nonsense_without_end_cuts_a_venue_off(heard, owner):
    heard.send("kraken", "{not json", times=50)
    until(lambda: venue_states(owner)["kraken"].breaks >= 1)
    recovers(owner, "kraken")
    assert venue_states(owner)["binance"].breaks == 0


def test_a_ticker_whose_numbers_are_none_costs_itself_alone(heard, owner):
    heard.venues["binance"].prices["BTC"] = "a lot"
    for name in ("kraken", "coinbase"):
        heard.venues[name].prices["BTC"] = "98.25"
    until(lambda: price(owner) == Decimal("98.25"))
    assert venue_states(owner)["binance"].state == "streaming"


def test_a_venue_that_hangs_in_every_way_keeps_no_other_waiting(database, owner, streams, tmp_path):
    streams.venues["binance"].answers.clear()
    streams.venues["binance"].refuses = True
    with talking(streams), feed(database, streams, tmp_path, **_QUICK):
        until(lambda: price(owner) == Decimal("100.5"))
        streams.venues["binance"].answers.set()
        streams.venues["binance"].refuses = False
        until(lambda: all_heard(owner), 120)


@pytest.mark.slow
def test_one_whose_stream_is_refused_is_asked_from_the_start(database, owner, streams, tmp_path):
    streams.venues["kraken"].refuses = True
    with talking(streams), feed(database, streams, tmp_path, **_QUICK):
        assert "503" in (broken(owner, "kraken").reason or "")
        constituents = until(
            lambda: owner.execute(
                "select c.constituents from market.consensus c join market.tokens t on t.id = c.token_id"
                " where t.symbol = 'BTC' and c.venues = 3"
            ).fetchone(),
            150,
        )
    assert {each["venue"] for each in constituents[0]} == set(VENUES)


def test_while_the_database_is_away_the_newest_price_is_kept_and_written_later(heard, owner):
    before = states.feed(owner)
    assert before is not None
    owner.execute("alter role coinsphere_pipeline nologin")
    try:
        owner.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'coinsphere_pipeline'"
            " and datname = current_database()"
        )
        for name in VENUES:
            heard.venues[name].prices["BTC"] = "97.5"
    finally:
        owner.execute("alter role coinsphere_pipeline login")
    until(lambda: price(owner) == Decimal("97.5"))
    until(lambda: states.feed(owner).beat_at > before.beat_at)
    assert states.feed(owner).started_at == before.started_at
    assert states.fed(owner, datetime.now(UTC))
