"""The feed process between local venues, and what it writes down."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

from coinsphere.market.feed import states
from tests.conftest import TestDatabase, free_port
from tests.fakes.streams import Streams

VENUES = ("binance", "kraken", "coinbase")


@contextmanager
def feed(
    database: TestDatabase, streams: Streams, folder: Path, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    """The process, whose database holds live prices."""
    with psycopg.connect(database.owner, autocommit=True) as conn:
        conn.execute("insert into market.origin (source) values ('live') on conflict do nothing")
    started = subprocess.Popen(
        [sys.executable, "-m", "coinsphere.feed"],
        cwd=folder,
        env={
            **os.environ,
            "COINSPHERE_HOME": str(folder),
            "COINSPHERE_DATABASE_URL": database.pipeline,
            "COINSPHERE_MARKET_EXCHANGES": ",".join(VENUES),
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
    """How each venue is heard."""
    return {each.venue: each for each in states.venues(conn)}


def all_heard(conn: psycopg.Connection) -> bool:
    """Whether all three are heard."""
    found = venue_states(conn).values()
    return len(found) == len(VENUES) and all(each.state == "streaming" for each in found)


def price(conn: psycopg.Connection, symbol: str = "BTC") -> Decimal | None:
    """The quote of a token."""
    row = conn.execute(
        "select price from market.quotes join market.tokens t on t.id = token_id where symbol = %s",
        [symbol],
    ).fetchone()
    return row and row[0]
