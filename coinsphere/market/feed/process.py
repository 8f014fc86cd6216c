"""Runs the feed: a task for each venue, one that computes prices, and one that reports its state."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

import psycopg
from psycopg import Connection
from psycopg_pool import PoolTimeout

from coinsphere import log
from coinsphere.clock import Clock
from coinsphere.db.pool import Database
from coinsphere.market.consensus.model import Asset, Rules
from coinsphere.market.feed import states
from coinsphere.market.feed.prices import Prices
from coinsphere.market.feed.venue import Venue
from coinsphere.market.model import Token
from coinsphere.market.reference import tokens
from coinsphere.market.sources import live
from coinsphere.settings import Settings

BEAT_SECONDS = 5.0
_TOKENS_SECONDS = 60.0
_AGAIN_SECONDS = 1.0
_GATHER_SECONDS = 0.4
"""What venues stream is gathered for so long before a price is made of it."""
_AWAY = (psycopg.OperationalError, PoolTimeout)

T = TypeVar("T")


class After(Protocol):
    """What is called after prices are stored."""

    def __call__(self, conn: Connection, now: datetime) -> object:
        """Do it."""
        ...


_log = log.get("feed")


class Feed:
    """The feed: streams venues and writes prices.

    Args:
        settings: of the feed and the market.
        database: in the pipeline's role.
        clock: answers the present instant.
        after: done with each stored price, in a transaction of its own; what takes longer than the next price is done once
            for all that came meanwhile.
    """

    def __init__(
        self, settings: Settings, database: Database, clock: Clock, after: After | None = None
    ) -> None:
        self.venues: list[Venue] = []
        self._settings, self._database, self._clock = settings, database, clock
        self._started_at = clock()
        self._news: set[Asset] = set()
        self._stirred = asyncio.Event()
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="prices")
        self._after = after
        self._stored = asyncio.Event()
        self._following = ThreadPoolExecutor(1, thread_name_prefix="after")
        self._telling = ThreadPoolExecutor(1, thread_name_prefix="beat")

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._beat())
            if self._after is not None:
                group.create_task(self._follow_up(self._after))
            while True:
                followed = await self._persistently(tokens.active)
                await self._follow(followed)

    async def _follow(self, followed: Sequence[Token]) -> None:
        """Hear all venues and make prices, until other tokens are listed."""
        self.venues = [
            Venue(exchange, followed, self._settings, self._clock, self._stir)
            for exchange in live.exchanges(self._settings, self._clock)
        ]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(venue.run()) for venue in self.venues]
            prices = Prices(followed, Rules(quorum=self._settings.market_quorum))
            tasks.append(group.create_task(self._make_prices(prices)))
            known = {(token.id, token.leads_symbol) for token in followed}
            now = known
            while now == known:
                await asyncio.sleep(_TOKENS_SECONDS)
                listed = await self._persistently(tokens.active)
                now = {(token.id, token.leads_symbol) for token in listed}
            for task in tasks:
                task.cancel()

    async def _make_prices(self, prices: Prices) -> None:
        while True:
            await self._stirred.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            self._stirred.clear()
            news, self._news = self._news, set()
            now = self._clock()
            is_minute = prices.is_minute_over(now)
            assets = None if is_minute else news | set(prices.currencies.values())
            quotes = [quote for venue in self.venues for quote in venue.quotes(assets)]
            work = prices.settle if is_minute else prices.refresh
            await self._write(partial(work, quotes=quotes, now=now))

    async def _write(self, work: Callable[[Connection], int]) -> None:
        """Do it once: where the database is away, the next prices are newer than these."""
        try:
            if await self._in_thread(self._writing, work):
                self._stored.set()
        except _AWAY as error:
            _log.warning("the database is away", error=str(error))
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _follow_up(self, after: After) -> None:
        while True:
            await self._stored.wait()
            self._stored.clear()
            try:
                await self._in_thread(self._following, partial(after, now=self._clock()))
            except _AWAY as error:
                _log.warning("the database is away", error=str(error))
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _beat(self) -> None:
        while True:
            venue_states = [venue.state for venue in self.venues]
            beat = partial(states.beat, started_at=self._started_at, venues=venue_states)
            try:
                await self._in_thread(self._telling, beat)
            except _AWAY as error:
                _log.warning("the database is away", error=str(error))
            await asyncio.sleep(BEAT_SECONDS)

    async def _persistently(self, read: Callable[[Connection], T]) -> T:
        """What `read` reads, as soon as the database is there."""
        while True:
            try:
                return await self._in_thread(self._telling, read)
            except _AWAY as error:
                _log.warning("the database is away", error=str(error))
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _in_thread(self, threads: ThreadPoolExecutor, work: Callable[[Connection], T]) -> T:
        def done() -> T:
            with self._database.connection() as conn:
                return work(conn)

        return await asyncio.get_running_loop().run_in_executor(threads, done)

    def _stir(self, asset: Asset) -> None:
        self._news.add(asset)
        self._stirred.set()
