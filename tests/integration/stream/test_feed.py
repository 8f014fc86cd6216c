"""The feed as the local system starts it, between venues that speak their own protocols and a client of the stream."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from coinsphere.market.consensus import store as consensus_store
from coinsphere.market.feed import states
from tests.conftest import free_port
from tests.fakes.streams import Streams, streaming

from .conftest import receive, running, say

_VENUES = "binance,kraken,coinbase"


@pytest.fixture
def streams() -> Iterator[Streams]:
    with streaming() as made:
        for name in _VENUES.split(","):
            made.add(name, BTC="100.5", ETH="5.25")
        # What converts Binance's prices.
        made.venues["kraken"].prices["USDT"] = "1.0"
        made.venues["coinbase"].prices["USDT"] = "1.0"
        yield made


@contextmanager
def feed(database, streams: Streams, folder, **variables: str) -> Iterator[subprocess.Popen]:
    """The process, whose database holds live prices."""
    with psycopg.connect(database.owner, autocommit=True) as conn:
        conn.execute("insert into market.origin (source) values ('live') on conflict do nothing")
    started = subprocess.Popen(
        [sys.executable, "-m", "coinsphere.market.feed"],
        cwd=folder,
        env={
            **os.environ,
            "COINSPHERE_HOME": str(folder),
            "COINSPHERE_DATABASE_URL": database.pipeline,
            "COINSPHERE_MARKET_EXCHANGES": _VENUES,
            "COINSPHERE_EXCHANGE_BASE_URL": streams.url,
            "COINSPHERE_FEED_METRICS_PORT": str(free_port()),
            **variables,
        },
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def until(holds: Callable[[], Any], seconds: float = 60) -> Any:
    """What `holds` gives as soon as it gives something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := holds():
            return value
        time.sleep(0.1)
    raise AssertionError("it did not come to that")


def venue_states(conn: psycopg.Connection) -> dict[str, states.VenueState]:
    return {each.venue: each for each in states.venues(conn)}


def all_heard(conn: psycopg.Connection) -> bool:
    found = venue_states(conn).values()
    return len(found) == 3 and all(each.state == "streaming" for each in found)


def price(conn: psycopg.Connection, symbol: str = "BTC") -> Decimal | None:
    row = conn.execute(
        "select price from market.quotes join market.tokens t on t.id = token_id where symbol = %s",
        [symbol],
    ).fetchone()
    return row and row[0]


def test_a_price_goes_from_the_venues_to_a_client_of_the_stream(
    world, database, owner, streams, tmp_path
):
    account = world.account()

    async def talk() -> dict:
        async with running(world) as stream, stream.client(account) as client:
            await say(client, "subscribe", symbols=["BTC"])
            await receive(client, "subscribed")
            await asyncio.to_thread(until, lambda: all_heard(owner))
            for name in _VENUES.split(","):
                await asyncio.to_thread(streams.say, name, BTC="101.125")
            while True:
                update = await receive(client, "price_update", 60)
                if update["price"] == 101.125:
                    return update

    with feed(database, streams, tmp_path) as process:
        update = asyncio.run(talk())
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    assert update["symbol"] == "BTC"
    assert update["priceSource"] == "consensus"
    assert venue_states(owner)["binance"].updates > 0


def test_a_minute_is_stored_with_all_that_it_was_made_of(database, owner, streams, tmp_path):
    with feed(database, streams, tmp_path):
        until(lambda: states.fed(owner, datetime.now(UTC)))
        row = until(
            lambda: owner.execute(
                "select c.constituents, c.state from market.consensus c join market.tokens t on t.id = c.token_id"
                " where symbol = 'BTC' and state = 'ok'"
            ).fetchone(),
            150,
        )
    said = {(each["venue"], each["currency"]) for each in row[0]}
    assert said == {("binance", "USDT"), ("kraken", "USD"), ("coinbase", "USD")}
    assert states.feed(owner).tokens == 3
    assert price(owner) == Decimal("100.5")
    assert consensus_store.SOURCE == "consensus"
