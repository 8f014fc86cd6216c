"""A venue's WebSocket by ccxt: its newest tickers, and why it broke.

ccxt keeps the last ticker of each market, so nothing queues up here however fast a venue is; what arrives meanwhile waits
in the socket, whose buffer is bounded.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from zlib import error as DamagedBytes  # noqa: N812 - an exception's name

import ccxt.pro
import msgspec

from coinsphere import log
from coinsphere.market.sources import ccxt_client
from coinsphere.market.sources.rows import NONSENSE
from coinsphere.parsing import untrusted_json

MOST_MESSAGES = 10_000
"""A second; a venue that sends more is cut off, so that it takes no time from the others."""
_MOST_NONSENSE = 20
"""Messages in a row."""
_PONG = "pong"
"""OKX's answer to a ping, which is no JSON."""
_NUMBERED = {"coinbase": "sequence_num"}
"""Under what name a venue numbers the messages of a connection."""
_MOST_AT_ONCE = {"bybit": 10, "kucoin": 100}
"""Markets that a venue lets one message subscribe to; more are refused as a whole."""
_PARAMETERS = {"binance": {"name": "ticker"}}
"""Else it leaves the book out."""

Hear = Callable[[str, dict[str, Any]], None]
"""Takes a pair and its newest ticker."""

_decode = msgspec.json.Decoder(float_hook=str).decode
_log = log.get("feed")


class Broken(Exception):
    """A venue's stream cannot continue; says why."""


def can_stream(name: str) -> bool:
    """Whether ccxt streams tickers of several markets of a venue."""
    return name in ccxt.pro.exchanges and bool(getattr(ccxt.pro, name)().has["watchTickers"])


class VenueSocket:
    """One connection to the tickers of a venue.

    Args:
        name: of a venue that `can_stream`, as ccxt calls it.
        markets: what ccxt knows of those that are wanted.
        base_url: of a server that stands in for it; None: the venue itself.
        hear: called with each ticker.
        ping_seconds: how long lies between two pings; None: as long as ccxt has it for the venue.
    """

    def __init__(
        self,
        name: str,
        markets: Sequence[dict[str, Any]],
        base_url: str | None,
        hear: Hear,
        ping_seconds: float | None = None,
    ) -> None:
        self.gaps = 0
        self.nonsense = 0
        self._name, self._hear = name, hear
        self._pairs = [str(market["symbol"]) for market in markets]
        self._broken: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._last_number: int | None = None
        self._in_a_row = 0
        self._second, self._messages = 0, 0
        self._client = _client(self, name, base_url)
        self._client.set_markets(list(markets))
        self._client.tickers = _Tickers(hear)
        if ping_seconds is not None:
            self._client.options["ws"] = {"keepAlive": ping_seconds * 1000}

    async def subscribe(self, seconds: float) -> None:
        """Connect, and return when the first ticker is there.

        Raises:
            Broken: it does not come to that within so many seconds.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._subscribed()
        except TimeoutError as error:
            raise Broken(f"no ticker within {seconds:g} s") from error
        except (ccxt.BaseError, *NONSENSE) as error:
            raise Broken(f"{type(error).__name__}: {error}") from error

    async def breaks(self, seconds: float) -> str | None:
        """Why the stream broke; None where it did not within so many seconds."""
        done, _ = await asyncio.wait([self._broken], timeout=seconds)
        return self._broken.result() if done else None

    async def close(self) -> None:
        """Close the connection."""
        self.break_off("closed by us")
        await self._client.close()

    def break_off(self, reason: str) -> None:
        """Record why the connection is given up; the first reason stays."""
        if not self._broken.done():
            self._broken.set_result(reason)

    def take(self, handle: Callable[[Any], None], message: Any) -> None:
        """Handle a message of the connection; ccxt would never read on behind one that it stumbles over."""
        if self._broken.done() or self._is_flooded():
            return
        try:
            handle(message)
        except (ccxt.BaseError, DamagedBytes, *NONSENSE) as error:
            self._note_nonsense(error)
        else:
            self._in_a_row = 0

    def read(self, client: Any, data: str | bytes) -> None:
        """Read a text as JSON, whose fractions stay text, and let ccxt handle it.

        Raises:
            ValueError: it is none.
        """
        message = data if data == _PONG else untrusted_json.decode(data, _decode)
        if message != _PONG and not isinstance(message, dict | list):
            raise TypeError("neither an object nor a list")
        self._count(message)
        self._client.handle_message(client, message)

    async def _subscribed(self) -> None:
        # KuCoin is asked by REST for the address of its stream, which wants an open client.
        self._client.open()
        if self._name == "coinbase":
            # ccxt's `watch_tickers` takes the channel that speaks each five seconds.
            await self._client.subscribe_multiple("ticker", False, self._pairs)  # noqa: FBT003
        else:
            most = _MOST_AT_ONCE.get(self._name, len(self._pairs))
            parts = [
                self._pairs[first : first + most] for first in range(0, len(self._pairs), most)
            ]
            parameters = _PARAMETERS.get(self._name, {})
            await asyncio.gather(
                *(self._client.watch_tickers(part, dict(parameters)) for part in parts)
            )

    def _count(self, message: Any) -> None:
        """A number that is left out: updates are lost, and only a new connection begins with a whole picture."""
        name = _NUMBERED.get(self._name)
        number = message.get(name) if name and isinstance(message, Mapping) else None
        if not isinstance(number, int):
            return
        if self._last_number is not None and number != self._last_number + 1:
            self.gaps += 1
            self.break_off(f"message {self._last_number + 1} is missing, {number} came")
        self._last_number = number

    def _is_flooded(self) -> bool:
        second = int(time.monotonic())
        self._messages = self._messages + 1 if second == self._second else 1
        self._second = second
        if self._messages > MOST_MESSAGES:
            self.break_off(f"more than {MOST_MESSAGES} messages in a second")
        return self._messages > MOST_MESSAGES

    def _note_nonsense(self, error: Exception) -> None:
        self.nonsense += 1
        self._in_a_row += 1
        if self._in_a_row == 1:
            _log.warning("a message makes no sense", venue=self._name, why=str(error)[:300])
        if self._in_a_row >= _MOST_NONSENSE:
            self.break_off(f"{_MOST_NONSENSE} messages in a row make no sense")


class _Tickers(dict[str, Any]):
    """Where ccxt puts the newest ticker of each market."""

    def __init__(self, hear: Hear) -> None:
        super().__init__()
        self._hear = hear

    def __setitem__(self, pair: str, ticker: Any) -> None:
        super().__setitem__(pair, ticker)
        self._hear(pair, ticker)


class _Listening:
    """What is changed of ccxt's client."""

    socket: VenueSocket

    def client(self, url: str) -> Any:
        """As ccxt's, but nothing that a venue sends ends the reading."""
        client = super().client(url)  # type: ignore[misc]
        own = type(client).handle_message.__get__(client)
        client.handle_message = partial(self.socket.take, own)
        client.handle_text_or_binary_message = partial(self.socket.read, client)
        return client

    def on_error(self, client: Any, error: Exception) -> None:
        """As ccxt's, and noted."""
        super().on_error(client, error)  # type: ignore[misc]
        self.socket.break_off(f"{type(error).__name__}: {error}"[:300])

    def on_close(self, client: Any, code: Any) -> None:
        """As ccxt's, and noted."""
        super().on_close(client, code)  # type: ignore[misc]
        self.socket.break_off(f"closed by the venue ({code})")

    def safe_ticker(self, ticker: dict[str, Any], market: Any = None) -> dict[str, Any]:
        """The ticker as it came: what ccxt would work out from the rest is not taken, and costs most of the time."""
        del market
        return ticker


def _client(socket: VenueSocket, name: str, base_url: str | None) -> Any:
    kind = type(f"Listening_{name}", (_Listening, getattr(ccxt.pro, name)), {})
    client = kind({"enableRateLimit": True, "options": dict(ccxt_client.SPOT_ONLY)})
    client.socket = socket
    client.number = str
    if base_url is not None:
        client.urls["api"] = ccxt_client.moved(client.urls["api"], f"{base_url.rstrip('/')}/{name}")
    return client
