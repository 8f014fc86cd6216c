"""A local server that speaks the public protocols of four exchanges and CoinGecko, and can fail in every way."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from coinsphere.market.model import Token
from coinsphere.market.reference import tokens as token_store
from coinsphere.market.sources import live
from coinsphere.settings import Settings

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
LISTED_SINCE = datetime(2025, 9, 1, tzinfo=UTC)
"""No exchange of ours has an earlier candle."""


@dataclass
class Answer:
    """One prepared answer to requests whose path contains `path`; `times` of them, then the usual one again."""

    path: str
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: bool = False
    times: int = 1_000_000


@dataclass
class Outside:
    """The world outside: what each exchange lists, and how it misbehaves."""

    url: str = ""
    listed: dict[str, list[str]] = field(
        default_factory=lambda: {
            "binance": ["BTC-USDT", "ETH-USDT"],
            "coinbase": ["BTC-USD", "ETH-USD", "SOL-USD"],
            "kraken": ["BTC-USD", "LTC-USD"],
            "kucoin": ["BTC-USDT", "PEPE-USDT"],
        }
    )
    price: str = "104.123456789012345678"
    prices: dict[str, str] = field(default_factory=dict)
    """Of some pairs another, such as `kraken BTC-USD`."""
    answers: list[Answer] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    closing: Event = field(default_factory=Event)

    def fail(self, path: str, **answer: Any) -> None:
        """Answer requests for `path` otherwise than usual."""
        self.answers.append(Answer(path, **answer))

    def count(self, part: str) -> int:
        """How many requests had `part` in their path."""
        return sum(part in path for path in self.asked)

    def prepared(self, path: str) -> Answer | None:
        for answer in self.answers:
            if answer.path in path and answer.times > 0:
                answer.times -= 1
                return answer
        return None

    def price_of(self, exchange: str, pair: str) -> str:
        return self.prices.get(f"{exchange} {pair}", self.price)

    def usual(self, path: str, query: dict[str, str]) -> Any:
        """What the provider answers on a good day."""
        provider, _, rest = path.strip("/").partition("/")
        return _PROTOCOLS[provider](self, rest, query)


def candle_rows(
    since: datetime, until: datetime, step: timedelta
) -> Iterator[tuple[int, str, str, str, str, str]]:
    """Opening second, open, high, low, close and volume of each candle; none before the listing or after now."""
    opened_at = max(since, LISTED_SINCE)
    while opened_at < min(until, NOW):
        if (opened_at - LISTED_SINCE) % step:
            opened_at += step - (opened_at - LISTED_SINCE) % step
            continue
        price = 100 + (opened_at - LISTED_SINCE).days
        yield (
            int(opened_at.timestamp()),
            f"{price}.000000000000000001",
            f"{price + 2}.5",
            f"{price - 1}.25",
            f"{price + 1}.123456789012345678",
            "12.5",
        )
        opened_at += step


def _seconds(text: str) -> datetime:
    return datetime.fromtimestamp(int(float(text)), UTC)


def _step(name: str) -> timedelta:
    return timedelta(days=1) if name in {"1d", "ONE_DAY", "1440", "1day"} else timedelta(hours=1)


def _binance(outside: Outside, path: str, query: dict[str, str]) -> Any:
    pairs = {pair.replace("-", ""): pair.split("-") for pair in outside.listed["binance"]}
    if path.endswith("/time"):
        return {"serverTime": int(NOW.timestamp() * 1000)}
    if path.endswith("/exchangeInfo"):
        symbols = [
            {
                "symbol": symbol,
                "status": "TRADING",
                "baseAsset": base,
                "quoteAsset": quote,
                "isSpotTradingAllowed": True,
                "permissions": ["SPOT"],
                "filters": [],
                "orderTypes": ["LIMIT"],
            }
            for symbol, (base, quote) in pairs.items()
        ]
        return {"timezone": "UTC", "symbols": symbols}
    if path.endswith("/klines"):
        since, step = _seconds(query["startTime"][:-3]), _step(query["interval"])
        until = max(since, LISTED_SINCE) + int(query["limit"]) * step
        rows = candle_rows(since, until, step)
        return [[row[0] * 1000, *row[1:], row[0] * 1000 + 1, "0", 1, "0", "0", "0"] for row in rows]
    if path.endswith("/ticker/24hr"):
        return [
            {
                "symbol": symbol,
                "lastPrice": outside.price_of("binance", "-".join(pairs[symbol])),
                "openPrice": "100",
                "priceChangePercent": "4.123",
                "quoteVolume": "5000.5",
                "volume": "50",
                "closeTime": int(NOW.timestamp() * 1000),
            }
            for symbol in pairs
            if symbol in query.get("symbols", symbol)
        ]
    return None


def _coinbase(outside: Outside, path: str, query: dict[str, str]) -> Any:
    if path.endswith("/candles"):
        step = _step(query["granularity"])
        rows = list(candle_rows(_seconds(query["start"]), _seconds(query["end"]), step))
        names = ("start", "open", "high", "low", "close", "volume")
        return {"candles": [dict(zip(names, map(str, row), strict=True)) for row in reversed(rows)]}
    if path.endswith("/market/products") and query.get("product_type") != "FUTURE":
        products = [
            {
                "product_id": pair,
                "base_currency_id": pair.split("-")[0],
                "quote_currency_id": pair.split("-")[1],
                "product_type": "SPOT",
                "trading_disabled": False,
                "price": outside.price_of("coinbase", pair),
                "price_percentage_change_24h": "4.5",
                "volume_24h": "10",
                "approximate_quote_24h_volume": "1000",
            }
            for pair in outside.listed["coinbase"]
        ]
        return {"products": products}
    return {"data": [], "products": []}


def _kraken(outside: Outside, path: str, query: dict[str, str]) -> Any:
    ids = {
        "X" + pair.replace("BTC", "XBT").replace("-", "Z"): pair
        for pair in outside.listed["kraken"]
    }
    if path.endswith("/Assets"):
        names = {"XXBT": "XBT", "XLTC": "LTC", "ZUSD": "USD"}
        result: Any = {
            name: {"aclass": "currency", "altname": alt, "decimals": 10}
            for name, alt in names.items()
        }
    elif path.endswith("/AssetPairs"):
        result = {
            pair_id: {
                "altname": pair_id,
                "base": "X" + pair.split("-")[0].replace("BTC", "XBT"),
                "quote": "ZUSD",
                "pair_decimals": 1,
                "lot_decimals": 8,
                "status": "online",
            }
            for pair_id, pair in ids.items()
        }
    elif path.endswith("/OHLC"):
        rows = candle_rows(_seconds(query["since"]), NOW, _step(query["interval"]))
        result = {query["pair"]: [[*row[:5], row[4], row[5], 3] for row in rows], "last": 1}
    elif path.endswith("/Time"):
        result = {"unixtime": int(NOW.timestamp())}
    else:
        result = {
            pair_id: {
                "c": [price, "1"],
                "v": ["5", "10"],
                "p": ["100", "100"],
                "h": ["110", "110"],
                "l": ["90", "90"],
                "a": [price, "1", "1"],
                "b": [price, "1", "1"],
                "o": "50",
            }
            for pair_id, pair in ids.items()
            if pair_id in query["pair"] and (price := outside.price_of("kraken", pair))
        }
    return {"error": [], "result": result}


def _kucoin(outside: Outside, path: str, query: dict[str, str]) -> Any:
    pairs = outside.listed["kucoin"]
    if path.endswith("/candles"):
        rows = candle_rows(
            _seconds(query["startAt"]), _seconds(query["endAt"]), _step(query["type"])
        )
        data: Any = [
            [str(second), opened, closed, high, low, volume, "0"]
            for second, opened, high, low, closed, volume in rows
        ][::-1]
    elif path.endswith("/symbols"):
        data = [
            {
                "symbol": pair,
                "baseCurrency": pair.split("-")[0],
                "quoteCurrency": pair.split("-")[1],
                "enableTrading": True,
            }
            for pair in pairs
        ]
    elif path.endswith("/allTickers"):
        rows = [
            {
                "symbol": pair,
                "last": outside.price_of("kucoin", pair),
                "changeRate": "0.05",
                "volValue": "70",
            }
            for pair in pairs
        ]
        data = {"time": int(NOW.timestamp() * 1000), "ticker": rows}
    else:
        data = []
    return {"code": "200000", "data": data}


def _coingecko(outside: Outside, path: str, query: dict[str, str]) -> Any:
    if path.endswith("/markets"):
        return [market_row(coin, outside.price) for coin in query["ids"].split(",")]
    since, until = (_seconds(query[name]) for name in ("from", "to"))
    rows = candle_rows(since, until, timedelta(hours=1))
    return {"prices": [[second * 1000, raw(opened)] for second, opened, *_ in rows]}


def raw(text: str) -> str:
    """A JSON number that is written with exactly these digits, see `dumps`."""
    return f"raw:{text}"


def market_row(coin: str, price: str = "7.000000012345678901", **changes: Any) -> dict[str, Any]:
    """One row of CoinGecko's /coins/markets."""
    usual = {
        "id": coin,
        "current_price": raw(price),
        "total_volume": 0,
        "market_cap": 1555886872303,
        "market_cap_rank": 1,
        "price_change_percentage_24h": -0.95302,
        "image": "https://coin-images.example/large.png",
        "circulating_supply": 20030493.0,
        "total_supply": 20030843.0,
        "max_supply": None,
        "ath": 126080,
        "ath_date": "2025-10-06T18:57:42.558Z",
        "atl": 67.81,
        "atl_date": "2013-07-06T00:00:00.000Z",
        "last_updated": "2026-03-10T12:29:21.599Z",
    }
    return usual | changes


_PROTOCOLS: dict[str, Callable[[Outside, str, dict[str, str]], Any]] = {
    "binance": _binance,
    "coinbase": _coinbase,
    "kraken": _kraken,
    "kucoin": _kucoin,
    "coingecko": _coingecko,
}


def dumps(value: Any) -> bytes:
    """`value` as JSON, with the digits of `raw` numbers as they stand."""
    return re.sub(r'"raw:([^"]+)"', r"\1", json.dumps(value)).encode()


class _Handler(BaseHTTPRequestHandler):
    outside: Outside

    def do_GET(self) -> None:
        self.outside.asked.append(self.path)
        prepared = self.outside.prepared(self.path)
        if prepared is None:
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            prepared = Answer("", body=dumps(self.outside.usual(parts.path, query)))
        self.outside.closing.wait(prepared.delay)
        self._send(prepared)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        length = len(answer.body) + (100 if answer.cut else 0)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def outside() -> Iterator[Outside]:
    """The outside world, on a free port of this machine."""
    world = Outside()
    handler = type("Handler", (_Handler,), {"outside": world})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = False
    world.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield world
    world.closing.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def live_settings(outside: Outside) -> Settings:
    """Settings whose every provider is that world."""
    return Settings(exchange_base_url=outside.url, coingecko_url=f"{outside.url}/coingecko")


@pytest.fixture
def slept() -> list[float]:
    """The pauses that a live market made, in seconds."""
    return []


@pytest.fixture
def live_market(
    live_settings: Settings, slept: list[float]
) -> Iterator[Callable[..., live.LiveMarket]]:
    """Builds a live market over that world. Its pauses are noted, not slept; ccxt's limiter is quickened."""
    made: list[live.LiveMarket] = []

    def build(*exchanges: str, timeout: float = 5.0) -> live.LiveMarket:
        settings = live_settings.model_copy(update={"market_exchanges": exchanges})
        market = live.build(settings, lambda: NOW, sleep=slept.append, timeout=timeout)
        for provider in market._providers[:-1]:
            provider._client.rateLimit = 1
        made.append(market)
        return market

    yield build
    for market in made:
        market.close()


@pytest.fixture
def tokens(pipeline: psycopg.Connection) -> Callable[..., list[Token]]:
    """The tokens of these symbols, in this order."""
    return lambda *symbols: [token_store.by_symbol(pipeline, symbol) for symbol in symbols]


@pytest.fixture
def real(owner: psycopg.Connection) -> None:
    """The test's database holds live prices."""
    owner.execute("insert into market.origin (source) values ('live')")
