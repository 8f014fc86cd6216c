"""One venue in the feed: streamed where its stream works, polled where it does not, independently of the others."""

import asyncio
import math
import random
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from coinsphere import log
from coinsphere.clock import Clock
from coinsphere.errors import ProviderError
from coinsphere.market.consensus.model import Asset, VenueQuote
from coinsphere.market.feed.socket import Broken, VenueSocket, can_stream
from coinsphere.market.feed.states import State, VenueState
from coinsphere.market.model import Token
from coinsphere.market.sources.decimals import rounded
from coinsphere.market.sources.exchange import Exchange, VenueMarket
from coinsphere.market.sources.rows import NONSENSE
from coinsphere.settings import Settings

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Seconds between two streams of a venue: doubled each time, and shortened by chance, so that not all come back at once."""
_LASTED = 60.0
"""A stream that worked for so long was none of a row of failures."""
_LOOK = 0.5
_SUBSCRIBE_SECONDS = 15.0

Stir = Callable[[Asset], None]
"""Told which asset has news."""
T = TypeVar("T")
_log = log.get("feed")


@dataclass(slots=True)
class _Newest:
    """The newest message of a market: the ticker as it came, or the quote made of it."""

    market: VenueMarket
    arrived_at: datetime
    ticker: dict[str, Any] | None = None
    quote: VenueQuote | None = None


class Venue:
    """The newest quotes of one venue.

    Args:
        exchange: asks it.
        tokens: that are followed.
        settings: of the feed.
        clock: answers the present instant.
        stir: told of each asset that has news.
    """

    def __init__(
        self,
        exchange: Exchange,
        tokens: Sequence[Token],
        settings: Settings,
        clock: Clock,
        stir: Stir,
    ) -> None:
        self.name = exchange.name
        self.state = VenueState(exchange.name, "starting", clock())
        self._exchange, self._tokens, self._settings = exchange, tokens, settings
        self._clock, self._stir = clock, stir
        self._listed: dict[str, VenueMarket] = {}
        self._newest: dict[tuple[Asset, str], _Newest] = {}
        self._heard = 0.0
        # Its own, so that a venue that hangs keeps no other from being asked.
        self._asking = ThreadPoolExecutor(1, thread_name_prefix=exchange.name)

    async def run(self) -> None:
        """Stream or poll the venue until cancelled."""
        try:
            if can_stream(self.name):
                await self._hear_and_ask()
            else:
                self.state.become("polling", self._clock(), None)
                await self._ask_for(math.inf)
        finally:
            self._asking.shutdown(wait=False, cancel_futures=True)
            self._exchange.close()

    def quotes(self, assets: Iterable[Asset] | None = None) -> list[VenueQuote]:
        """The newest quote of each market of `assets`, or of all; invalid ones are left out.

        A stream tells what changes. While it lives, what it said last holds: its age is that of the stream's last word.
        """
        wanted = None if assets is None else set(assets)
        quotes = [
            self._quote(each)
            for each in list(self._newest.values())
            if wanted is None or each.market.asset in wanted
        ]
        return [quote for quote in quotes if quote is not None]

    def _quote(self, newest: _Newest) -> VenueQuote | None:
        if newest.quote is None and newest.ticker is not None:
            try:
                newest.quote = self._read(newest, newest.ticker)
            except NONSENSE as error:
                _log.warning("a ticker makes no sense", venue=self.name, why=str(error)[:300])
                newest.ticker = None
        quote, heard_at = newest.quote, self.state.heard_at
        if quote is None or self.state.state != "streaming" or heard_at is None:
            return quote
        return replace(quote, observed_at=quote.observed_at + (heard_at - newest.arrived_at))

    def _read(self, newest: _Newest, ticker: dict[str, Any]) -> VenueQuote | None:
        quote = self._exchange.quote(newest.market, ticker, newest.arrived_at)
        if quote is None or quote.volume is not None or ticker.get("baseVolume") is None:
            return quote
        # Some tell in tokens what was traded; at the present price it is near enough to weigh them by.
        return replace(quote, volume=rounded(quote.price * Decimal(ticker["baseVolume"])))

    async def _hear_and_ask(self) -> None:
        """Hear it; while its stream does not work, ask it."""
        failures = 0
        while True:
            began = time.monotonic()
            reason = await self._heard_until_broken()
            failures = 0 if time.monotonic() - began > _LASTED else failures + 1
            self._become("polling", reason)
            pause = min(_FIRST_PAUSE * 2 ** (failures - 1 if failures else 0), _LONGEST_PAUSE)
            # Jitter keeps venues, and installations, from coming back together; it is no secret.
            await self._ask_for(pause * random.uniform(0.5, 1))  # noqa: S311 # nosec B311

    async def _heard_until_broken(self) -> str:
        """Why the venue can be heard no longer."""
        socket: VenueSocket | None = None
        try:
            self._listed = await self._in_thread(lambda: self._exchange.listed(self._tokens))
            if not self._listed:
                return "lists none of our tokens"
            self._forget_closed()
            socket = VenueSocket(
                self.name,
                self._exchange.described(self._listed),
                self._settings.exchange_base_url,
                self._hear,
            )
            await socket.subscribe(_SUBSCRIBE_SECONDS)
            return await self._watched(socket)
        except (Broken, ProviderError) as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - a fault in one venue's protocol must not silence the others
            _log.exception("a fault in the stream of a venue", venue=self.name)
            return f"a fault: {type(error).__name__}"
        finally:
            if socket is not None:
                self.state.gaps += socket.gaps
                await socket.close()

    def _forget_closed(self) -> None:
        """What was said last holds while a stream lives, but not of a market that is no more."""
        markets = {(market.asset, market.currency) for market in self._listed.values()}
        for key in self._newest.keys() - markets:
            del self._newest[key]

    async def _watched(self, socket: VenueSocket) -> str:
        """Why the stream ended: it broke, or gave no price for too long."""
        self._become("streaming", None)
        silence = self._settings.market_feed_silence_seconds
        while True:
            reason = await socket.breaks(_LOOK)
            if reason is not None:
                return reason
            if time.monotonic() - self._heard > silence:
                return f"no price for {silence:g} s"

    def _hear(self, pair: str, ticker: dict[str, Any]) -> None:
        market = self._listed.get(pair)
        if market is None:
            return
        now = self._clock()
        self._heard = time.monotonic()
        self.state.heard_at = now
        self.state.updates += 1
        self._newest[market.asset, market.currency] = _Newest(market, now, ticker)
        self._stir(market.asset)

    async def _ask_for(self, seconds: float) -> None:
        """Ask the venue now and again, for so long."""
        until = time.monotonic() + seconds
        while True:
            await self._ask()
            left = until - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(min(left, self._settings.market_feed_poll_seconds))

    async def _ask(self) -> None:
        try:
            quotes = await self._in_thread(lambda: self._exchange.venue_quotes(self._tokens))
        except ProviderError as error:
            _log.warning("a venue does not answer", venue=self.name, why=str(error)[:300])
            return
        now = self._clock()
        for quote in quotes:
            market = VenueMarket("", quote.asset, quote.currency)
            self._newest[quote.asset, quote.currency] = _Newest(market, now, quote=quote)
            self._stir(quote.asset)

    async def _in_thread(self, question: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._asking, question)

    def _become(self, state: State, reason: str | None) -> None:
        if state == "polling":
            self.state.breaks += 1
            _log.warning("a venue is asked instead of heard", venue=self.name, why=reason)
        else:
            _log.info("a venue is heard", venue=self.name, markets=len(self._listed))
        self.state.become(state, self._clock(), reason)
