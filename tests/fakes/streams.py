"""Local venues that speak the public protocol of exchanges: their markets by REST, tickers by WebSocket.

One server in a thread; each venue lives below `/<name>`. A test says what a market's price is, and how a venue misbehaves.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.fakes.venue_dialects import DIALECTS, HOST


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

    subscribed: list[list[str]] = field(default_factory=list)
    """The markets that each message of the feed subscribed to, where the venue's dialect lists them."""


class _Connection(ServerConnection):
    """The library answers GET alone; KuCoin is asked for its address by a POST, whose body says nothing."""

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"POST "):
            head = data.partition(b"\r\n\r\n")[0].replace(b"POST ", b"GET ", 1)
            lines = [
                line
                for line in head.split(b"\r\n")
                if not line.lower().startswith(b"content-length")
            ]
            data = b"\r\n".join(lines) + b"\r\n\r\n"
        super().data_received(data)


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
        message = DIALECTS[venue.name].ticker(base, venue.prices[base])
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
                dialect = DIALECTS[venue.name]
                pong = dialect.pong(text)
                if pong is not None:
                    await connection.send(pong)
                if venue.is_frozen or "subscribe" not in str(text).lower():
                    continue
                asked = json.loads(text)
                venue.connections.add(connection)
                venue.subscribed.append(dialect.markets(asked))
                for answer in dialect.acknowledged(asked):
                    await connection.send(json.dumps(answer))
                await self._stream(venue, list(venue.prices))
        except ConnectionClosed:
            pass
        finally:
            venue.connections.discard(connection)
            venue.numbers.pop(connection, None)

    async def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        address = urlsplit(request.path)
        name, _, path = address.path.strip("/").partition("/")
        venue = self.venues.get(name)
        if request.headers.get("Upgrade"):
            if venue is None or venue.refuses:
                return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "away")
            return None
        if venue is None:
            return connection.respond(HTTPStatus.NOT_FOUND, "no such venue")
        venue.asked += 1
        await venue.answers.wait()
        dialect, parameters = DIALECTS[name], dict(parse_qsl(address.query))
        refusal = dialect.refusal(venue.prices, parameters)
        answer = json.dumps(refusal or dialect.rest(venue.prices, path))
        body = answer.replace(HOST, request.headers["Host"]).encode()
        headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(body))})
        headers["Connection"] = "close"
        return Response(200, "OK", headers, body)

    async def serve(self, port: int) -> int:
        """Listen on a port, 0 for a free one; which it is."""
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            port,
            process_request=self._answer,
            compression=None,
            create_connection=_Connection,
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
