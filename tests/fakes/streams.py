"""Local venues that speak Binance's, Kraken's and Coinbase's public protocol: their markets by REST, tickers by WebSocket.

One server in a thread; each venue lives below `/<name>`. A test says what a market's price is, and how a venue misbehaves.
"""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

QUOTES = {"binance": "USDT", "kraken": "USD", "coinbase": "USD"}
"""The currency of each venue's markets."""


@dataclass
class FakeVenue:
    """One venue: the price of each base, and what is wrong with it."""

    name: str
    prices: dict[str, str]
    connections: set[ServerConnection] = field(default_factory=set)
    opened: int = 0
    asked: int = 0
    refuses: bool = False
    is_frozen: bool = False
    """Accepts, and says nothing."""
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    """Set where it answers questions by REST."""
    numbers: dict[ServerConnection, int] = field(default_factory=dict)

    def pair(self, base: str) -> str:
        quote = QUOTES[self.name]
        return {"binance": f"{base}{quote}", "kraken": f"{base}/{quote}"}.get(
            self.name, f"{base}-{quote}"
        )


class Streams:
    """The running server."""

    def __init__(self) -> None:
        self.venues: dict[str, FakeVenue] = {}
        self.url = ""
        self._loop = asyncio.new_event_loop()

    def add(self, name: str, **prices: str) -> FakeVenue:
        venue = FakeVenue(name, prices)
        venue.answers.set()
        self.venues[name] = venue
        return venue

    def say(self, name: str, **prices: str) -> None:
        """Change prices, and stream them."""
        venue = self.venues[name]
        venue.prices |= prices
        self._run(self._stream(venue, list(prices)))

    def send(self, name: str, text: str | bytes, times: int = 1) -> None:
        """Stream whatever it is."""
        self._run(self._send(self.venues[name], text, times))

    def skip(self, name: str, numbers: int = 1) -> None:
        """Leave out some numbers of the next messages."""
        venue = self.venues[name]
        for connection in venue.connections:
            venue.numbers[connection] += numbers

    def drop(self, name: str) -> None:
        """Break off every connection of a venue without a word."""
        venue = self.venues[name]

        async def cut() -> None:
            for connection in list(venue.connections):
                connection.transport.abort()

        self._run(cut())

    @contextmanager
    def running(self, port: int) -> Iterator[None]:
        """In a thread of its own."""
        thread = Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{self._run(self.serve(port))}"
        try:
            yield
        finally:
            self._run(self.end())
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(30)
            self._loop.close()

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _send(self, venue: FakeVenue, text: str | bytes, times: int) -> None:
        for connection in list(venue.connections):
            await self._write(venue, connection, [text] * times)

    async def _stream(self, venue: FakeVenue, bases: list[str]) -> None:
        for connection in [] if venue.is_frozen else list(venue.connections):
            texts = [self._ticker(venue, connection, base) for base in bases]
            await self._write(venue, connection, texts)

    async def _write(
        self, venue: FakeVenue, connection: ServerConnection, texts: Sequence[str | bytes]
    ) -> None:
        """Send them, unless the feed has gone."""
        try:
            for text in texts:
                await connection.send(text)
        except ConnectionClosed:
            venue.connections.discard(connection)

    def _ticker(self, venue: FakeVenue, connection: ServerConnection, base: str) -> str:
        message = _TICKERS[venue.name](venue.pair(base), venue.prices[base])
        if venue.name == "coinbase":
            number = venue.numbers.get(connection, 0)
            venue.numbers[connection] = number + 1
            message["sequence_num"] = number
        return json.dumps(message)

    async def _serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        venue = self.venues[connection.request.path.strip("/").partition("/")[0]]
        venue.opened += 1
        venue.numbers[connection] = 0
        try:
            async for text in connection:
                asked = json.loads(text)
                if asked.get("method") == "ping":
                    await connection.send(
                        json.dumps({"method": "pong", "req_id": asked.get("req_id")})
                    )
                if venue.is_frozen or "subscribe" not in str(text).lower():
                    continue
                venue.connections.add(connection)
                if venue.name == "binance":
                    await connection.send(json.dumps({"result": None, "id": asked["id"]}))
                await self._stream(venue, list(venue.prices))
        except ConnectionClosed:
            pass
        finally:
            venue.connections.discard(connection)
            venue.numbers.pop(connection, None)

    async def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        name, _, path = urlsplit(request.path).path.strip("/").partition("/")
        venue = self.venues.get(name)
        if request.headers.get("Upgrade"):
            if venue is None or venue.refuses:
                return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "away")
            return None
        if venue is None:
            return connection.respond(HTTPStatus.NOT_FOUND, "no such venue")
        venue.asked += 1
        await venue.answers.wait()
        body = json.dumps(_REST[name](venue, path)).encode()
        headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(body))})
        return Response(200, "OK", headers, body)

    async def serve(self, port: int) -> int:
        """Listen on a port, 0 for a free one; which it is."""
        self._server = await serve(
            self._serve, "127.0.0.1", port, process_request=self._answer, compression=None
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def end(self) -> None:
        """Close everything."""
        for venue in self.venues.values():
            venue.answers.set()
            for connection in list(venue.connections):
                connection.transport.abort()
        self._server.close()
        await self._server.wait_closed()


@contextmanager
def streaming(port: int = 0) -> Iterator[Streams]:
    """Serve the venues that a test adds."""
    streams = Streams()
    with streams.running(port):
        yield streams


def _now() -> int:
    return int(time.time() * 1000)


def _binance_ticker(pair: str, price: str) -> dict[str, Any]:
    """https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams, individual symbol ticker."""
    return {
        "e": "24hrTicker", "E": _now(), "s": pair, "p": "1", "P": "1.5", "w": price, "c": price, "b": price, "a": price,
        "B": "1", "A": "1", "o": price, "h": price, "l": price, "v": "100", "q": "1000000.5", "n": 10,
    }  # fmt: skip


def _kraken_ticker(pair: str, price: str) -> dict[str, Any]:
    """https://docs.kraken.com/api/docs/websocket-v2/ticker"""
    number = float(price)
    row = {
        "symbol": pair, "bid": number, "bid_qty": 1.0, "ask": number, "ask_qty": 1.0, "last": number, "volume": 90.5,
        "vwap": number, "low": number, "high": number, "change": 1.0, "change_pct": 1.5,
    }  # fmt: skip
    return {"channel": "ticker", "type": "update", "data": [row]}


def _coinbase_ticker(pair: str, price: str) -> dict[str, Any]:
    """https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels, ticker."""
    row = {
        "type": "ticker", "product_id": pair, "price": price, "volume_24_h": "95.5", "low_24_h": price,
        "high_24_h": price, "price_percent_chg_24_h": "1.5", "best_bid": price, "best_ask": price,
        "best_bid_quantity": "1", "best_ask_quantity": "1",
    }  # fmt: skip
    moment = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return {
        "channel": "ticker", "client_id": "", "timestamp": moment, "sequence_num": 0,
        "events": [{"type": "update", "tickers": [row]}],
    }  # fmt: skip


_TICKERS = {
    "binance": _binance_ticker,
    "kraken": _kraken_ticker,
    "coinbase": _coinbase_ticker,
}


def _binance(venue: FakeVenue, path: str) -> Any:
    if path.endswith("/exchangeInfo"):
        symbols = [
            {
                "symbol": venue.pair(base), "status": "TRADING", "baseAsset": base, "quoteAsset": "USDT",
                "isSpotTradingAllowed": True, "permissions": ["SPOT"], "filters": [], "orderTypes": ["LIMIT"],
            }
            for base in venue.prices
        ]  # fmt: skip
        return {"timezone": "UTC", "symbols": symbols}
    if path.endswith("/ticker/24hr"):
        return [
            {
                "symbol": venue.pair(base), "lastPrice": price, "bidPrice": price, "askPrice": price, "openPrice": price,
                "priceChangePercent": "1.5", "quoteVolume": "1000000.5", "volume": "100", "closeTime": _now(),
            }
            for base, price in venue.prices.items()
        ]  # fmt: skip
    return {"serverTime": _now()}


def _kraken(venue: FakeVenue, path: str) -> Any:
    names = {base: f"{base}USD" for base in venue.prices}
    if path.endswith("/AssetPairs"):
        result: Any = {
            name: {
                "altname": name, "wsname": f"{base}/USD", "base": base, "quote": "ZUSD", "pair_decimals": 1,
                "lot_decimals": 8, "status": "online",
            }
            for base, name in names.items()
        }  # fmt: skip
    elif path.endswith("/Assets"):
        result = {base: {"aclass": "currency", "altname": base, "decimals": 10} for base in names}
        result["ZUSD"] = {"aclass": "currency", "altname": "USD", "decimals": 4}
    elif path.endswith("/Ticker"):
        result = {
            name: {
                "c": [venue.prices[base], "1"], "v": ["5", "90.5"], "p": [venue.prices[base]] * 2,
                "h": ["1", "1"], "l": ["1", "1"], "o": "1",
                "a": [venue.prices[base], "1", "1"], "b": [venue.prices[base], "1", "1"],
            }
            for base, name in names.items()
        }  # fmt: skip
    else:
        result = {"unixtime": _now() // 1000}
    return {"error": [], "result": result}


def _coinbase(venue: FakeVenue, path: str) -> Any:
    if not path.endswith("/market/products"):
        return {"data": [], "products": []}
    products = [
        {
            "product_id": venue.pair(base), "base_currency_id": base, "quote_currency_id": "USD", "product_type": "SPOT",
            "trading_disabled": False, "price": price, "price_percentage_change_24h": "1.5", "volume_24h": "95.5",
            "approximate_quote_24h_volume": "1000",
        }
        for base, price in venue.prices.items()
    ]  # fmt: skip
    return {"products": products}


_REST = {"binance": _binance, "kraken": _kraken, "coinbase": _coinbase}
