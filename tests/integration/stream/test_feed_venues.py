"""The feed hears the exchanges whose streams differ from those of the other tests, and asks those that have none."""

import asyncio
import io

import pytest
from rich.console import Console

from coinsphere.cli.market.feed import show_briefly
from coinsphere.clock import utc_now
from coinsphere.market.feed.socket import VenueSocket, can_stream
from coinsphere.market.reference import tokens
from coinsphere.market.sources.exchange import Exchange
from tests.fakes.streams import streaming
from tests.fakes.venue_dialects import DIALECTS

from .feeding import feed, price, until, venue_states

HEARD = ("okx", "bybit", "gate", "kucoin")
PRICES = {
    symbol: f"{place + 1}.5"
    for place, symbol in enumerate(
        ("BTC", "ETH", "SOL", "XRP", "ADA", "DOGE", "AVAX", "DOT", "LINK", "LTC", "UNI", "ATOM", "AAVE", "NEAR")
    )
}  # fmt: skip


@pytest.fixture
def venues():
    """More markets of each than Bybit takes at once."""
    with streaming() as server:
        for name in HEARD:
            server.add(name, **PRICES)
        server.add("kraken", USDT="1.0")
        yield server


def test_each_is_heard(database, owner, venues, tmp_path):
    assert set(PRICES) <= {token.symbol for token in tokens.active(owner)}
    with feed(database, venues, tmp_path, COINSPHERE_MARKET_EXCHANGES=",".join((*HEARD, "kraken"))):
        until(lambda: {each.state for each in venue_states(owner).values()} == {"streaming"})
        for name in HEARD:
            venues.say(name, **dict.fromkeys(PRICES, "7.25"))
        until(lambda: all(price(owner, symbol) == 7.25 for symbol in PRICES))
    assert {name: venue_states(owner)[name].reason for name in HEARD} == dict.fromkeys(HEARD)
    at_once = [len(part) for part in venues.venues["bybit"].subscribed]
    assert (max(at_once), sum(at_once)) == (10, len(PRICES))


def said_of_venues(conn) -> list[str]:
    """What `coinsphere status` says of the venues."""
    console = Console(file=io.StringIO(), width=200)
    show_briefly(console, conn)
    return console.file.getvalue().splitlines()


def test_one_without_a_stream_is_asked_and_nothing_is_wrong(database, owner, tmp_path):
    with streaming() as server:
        server.add("bitstamp", BTC="100.5")
        server.add("kraken", BTC="100.5")
        with feed(database, server, tmp_path, COINSPHERE_MARKET_EXCHANGES="bitstamp,kraken"):
            until(
                lambda: (
                    len(venue_states(owner)) == 2
                    and venue_states(owner)["kraken"].state == "streaming"
                )
            )
            found = until(
                lambda: (said := venue_states(owner)["bitstamp"]).state == "polling" and said
            )
            until(lambda: server.venues["bitstamp"].asked)
    assert (found.reason, found.breaks) == (None, 0)
    assert said_of_venues(owner) == ["1 of 2 venues stream their prices."]


@pytest.mark.parametrize("name", sorted(filter(can_stream, DIALECTS)))
def test_a_quiet_connection_stays_open(name, owner):
    """Each answers pings in its own way; one whose answer was not understood would be broken off after the second."""
    heard = []

    async def listened(url: str) -> str | None:
        exchange = Exchange(name, ("USD", "USDT"), utc_now, base_url=url)
        listed = await asyncio.to_thread(exchange.listed, tokens.active(owner))
        markets = exchange.described(listed)
        socket = VenueSocket(name, markets, url, lambda *said: heard.append(said), ping_seconds=0.1)
        try:
            await socket.subscribe(15)
            return await socket.breaks(1)
        finally:
            await socket.close()
            exchange.close()
            nonsense.append(socket.nonsense)

    nonsense: list[int] = []
    with streaming() as server:
        server.add(name, BTC="100.5")
        assert asyncio.run(listened(server.url)) is None
    assert nonsense == [0]
    assert [(pair.partition("/")[0], float(ticker["last"])) for pair, ticker in heard] == [
        ("BTC", 100.5)
    ]
