"""Feeds the hub from PostgreSQL: one connection listens for notifications, and news is read and fanned out."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import PoolTimeout

from coinsphere import log
from coinsphere.clock import Clock
from coinsphere.db.listening import ListeningConnection
from coinsphere.stream import messages, reading
from coinsphere.stream.hub import Client, Hub, price_of
from coinsphere.stream.reading import ExchangeSync, PortfolioValue, Quote, WalletSync
from coinsphere.stream.reading_pool import ReadingPool

_KINDS = frozenset({"quotes", "alerts", "portfolios", "exchanges", "wallets", "sessions"})
_QUIET_SECONDS = 30.0
"""Without a notification for so long everything is read once, which also shows whether the connection lives."""
_PAUSE_SECONDS = 0.1
"""From one reading to the next at least, so that a burst of notifications is answered by two."""
_RECONNECT_SECONDS = 1.0
_OVERLAP = timedelta(minutes=5)
"""A firing is committed some time after the instant that it bears."""
REPLAYED = timedelta(hours=1)
MOST_REPLAYED = 100
"""Alerts that are sent again: fewer than may wait for a client."""

_log = log.get("stream")


class Feed:
    """The newest prices, firings and portfolio values of the stream, and what was sent of them.

    Notifications only say that something is new. What is new follows from comparing what is there with what was sent,
    so that a lost notification, or a database that was away, loses nothing.
    """

    def __init__(self, dsn: str, pool: ReadingPool, hub: Hub, clock: Clock) -> None:
        self.listening = asyncio.Event()
        self.sessions_changed = asyncio.Event()
        self.symbols: set[str] = set()
        self._dsn = dsn
        self._pool = pool
        self._hub = hub
        self._clock = clock
        self._quotes: dict[str, Quote] = {}
        self._portfolios: dict[UUID, PortfolioValue] = {}
        self._syncs: dict[UUID, ExchangeSync] = {}
        self._wallet_syncs: dict[UUID, WalletSync] = {}
        self._newest_firing: datetime | None = None
        self._seen: dict[UUID, datetime] = {}

    def welcome(self, client: Client, symbols: set[str]) -> None:
        """Queue the last known price of each of `symbols`."""
        for symbol in sorted(symbols & self._quotes.keys()):
            client.offer(messages.price_update(self._quotes[symbol]), price_of(symbol))

    async def resume(self, client: Client, since: datetime) -> bool:
        """Queue the alerts of a client that was away, and from when on these are all; some it may know by their ids.

        Returns whether the database told them.
        """
        # What comes first is no moment that five minutes can be taken from: a client may say the beginning of time.
        start = max(since, self._clock() - REPLAYED) - _OVERLAP
        try:
            async with self._pool.connection() as conn:
                fired = await reading.firings_of(conn, client.user_id, start, MOST_REPLAYED)
        except (psycopg.Error, PoolTimeout):
            client.offer(messages.error("unavailable", "the database is away: ask again"))
            return False
        for firing in fired:
            client.offer(messages.alert(firing))
        is_cut = len(fired) == MOST_REPLAYED
        client.offer(messages.resumed(fired[0].fired_at if is_cut else start, len(fired)))
        return True

    async def follow(self) -> None:
        """Listen and fan out until cancelled; where PostgreSQL goes away, come back to it."""
        while True:
            try:
                await self._listen()
            except (psycopg.Error, PoolTimeout, OSError) as error:
                _log.warning("the database is away", error=str(error))
            finally:
                self.listening.clear()
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _listen(self) -> None:
        connection = await ListeningConnection.connect(
            self._dsn, autocommit=True, connect_timeout=5, application_name="coinsphere-stream"
        )
        async with connection as conn:
            await conn.execute("listen coinsphere")
            # After the listen, so that nothing falls between the two.
            await self._refresh(_KINDS)
            self.listening.set()
            while True:
                await self._refresh(await _news(conn) or _KINDS)
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _refresh(self, kinds: set[str] | frozenset[str]) -> None:
        if "sessions" in kinds:
            self.sessions_changed.set()
        async with self._pool.connection() as conn:
            if "quotes" in kinds:
                await self._send_prices(conn)
            if "alerts" in kinds:
                await self._send_firings(conn)
            # A price moves the value of whoever holds the token.
            if kinds & {"quotes", "portfolios"}:
                await self._send_portfolios(conn)
            if "exchanges" in kinds:
                await self._send_syncs(conn)
            if "wallets" in kinds:
                await self._send_wallet_syncs(conn)

    async def _send_prices(self, conn: AsyncConnection) -> None:
        self.symbols = await reading.symbols(conn)
        # Nobody overflows, as one price of a symbol waits and a client has fewer symbols than room: all go out together.
        for quote in await reading.quotes(conn):
            if self._quotes.get(quote.symbol) != quote:
                self._quotes[quote.symbol] = quote
                self._hub.to_subscribers(quote.symbol, messages.price_update(quote))
        await _let_senders_run()

    async def _send_firings(self, conn: AsyncConnection) -> None:
        """Send each firing once; those from before the start are not sent at all."""
        is_first = self._newest_firing is None
        newest = self._newest_firing or self._clock()
        since = newest - _OVERLAP
        for firing in await reading.firings(conn, since):
            if not is_first and firing.event_id not in self._seen:
                self._hub.to_user(firing.user_id, messages.alert(firing))
                await _let_senders_run()
            self._seen[firing.event_id] = firing.fired_at
            newest = max(newest, firing.fired_at)
        self._newest_firing = newest
        self._seen = {event: fired_at for event, fired_at in self._seen.items() if fired_at > since}

    async def _send_portfolios(self, conn: AsyncConnection) -> None:
        users = self._hub.users
        values = await reading.portfolios(conn, users) if users else []
        for portfolio in values:
            if self._portfolios.get(portfolio.portfolio_id) != portfolio:
                text = messages.portfolio_update(portfolio, self._clock())
                about = f"portfolio {portfolio.portfolio_id}"
                self._hub.to_user(portfolio.user_id, text, about)
                await _let_senders_run()
        self._portfolios = {portfolio.portfolio_id: portfolio for portfolio in values}

    async def _send_syncs(self, conn: AsyncConnection) -> None:
        users = self._hub.users
        since = self._clock() - _OVERLAP
        open_syncs = await reading.exchange_syncs(conn, users, since) if users else []
        for sync in open_syncs:
            if self._syncs.get(sync.id) != sync:
                self._hub.to_user(sync.user_id, messages.exchange_sync(sync, self._clock()))
                await _let_senders_run()
        self._syncs = {sync.id: sync for sync in open_syncs}

    async def _send_wallet_syncs(self, conn: AsyncConnection) -> None:
        users = self._hub.users
        since = self._clock() - _OVERLAP
        open_syncs = await reading.wallet_syncs(conn, users, since) if users else []
        for sync in open_syncs:
            if self._wallet_syncs.get(sync.id) != sync:
                self._hub.to_user(sync.user_id, messages.wallet_sync(sync, self._clock()))
                await _let_senders_run()
        self._wallet_syncs = {sync.id: sync for sync in open_syncs}


async def _let_senders_run() -> None:
    """A queue that is filled in one go overflows however fast its client reads."""
    await asyncio.sleep(0)


async def _news(conn: AsyncConnection) -> set[str]:
    """Wait for the next notifications; empty after a while without any, the connection being checked."""
    first = conn.notifies(timeout=_QUIET_SECONDS, stop_after=1)
    kinds = {notification.payload async for notification in first}
    if not kinds:
        await conn.execute("select 1")
    return kinds
