"""Markets that a venue opens, closes or renames while a process runs."""

from datetime import timedelta

import pytest

from coinsphere.clock import utc_now
from coinsphere.market.sources.exchange import Exchange
from tests.fakes.streams import streaming


@pytest.fixture
def now():
    """The present instant, in a list so that a test moves it."""
    return [utc_now()]


@pytest.fixture
def asked(now):
    """Asks a venue of that name and prices."""
    with streaming() as server:
        exchanges = []

        def add(name, **prices):
            venue = server.add(name, **prices)
            exchange = Exchange(name, ("USD", "USDT"), lambda: now[0], base_url=server.url)
            exchange._client.rateLimit = 1
            exchanges.append(exchange)
            return venue, exchange

        yield add
        for exchange in exchanges:
            exchange.close()


def prices(exchange, tokens):
    return sorted(str(quote.price) for quote in exchange.venue_quotes(tokens))


def test_one_that_was_closed_or_renamed_costs_no_other(asked, tokens):
    """Kraken answers a question that names an unknown pair with an error alone."""
    venue, exchange = asked("kraken", BTC="100.5", MATIC="0.5")
    wanted = tokens("BTC", "MATIC", "POL")
    assert prices(exchange, wanted) == ["0.5", "100.5"]
    venue.prices["POL"] = venue.prices.pop("MATIC")
    assert prices(exchange, wanted) == ["0.5", "100.5"]
    assert [quote.asset for quote in exchange.venue_quotes(wanted)][-1] == wanted[2].id


@pytest.mark.parametrize("name", ["binance", "kraken", "coinbase", "okx", "bybit"])
def test_one_that_was_opened_is_asked_for_within_the_hour(asked, now, tokens, name):
    venue, exchange = asked(name, BTC="100.5")
    wanted = tokens("BTC", "ETH")
    assert prices(exchange, wanted) == ["100.5"]
    venue.prices["ETH"] = "7.25"
    now[0] += timedelta(minutes=61)
    assert prices(exchange, wanted) == ["100.5", "7.25"]


SECONDS = "1773146000"


def test_times_in_seconds_are_nonsense_and_cost_themselves_alone(asked, tokens):
    _, exchange = asked("okx", BTC="100.5", ETH="7.25")
    wanted = tokens("BTC", "ETH")
    market = exchange.listed(wanted)["BTC/USDT"]
    ticker = {"last": "1", "timestamp": int(SECONDS) * 1000}
    assert exchange.quote(market, ticker, utc_now()).price == 1
    with pytest.raises(ValueError, match="1970-01-21, before the first token"):
        exchange.quote(market, ticker | {"timestamp": int(SECONDS)}, utc_now())
