"""Reads the stream's data from PostgreSQL: quotes, firings, portfolio values and live sessions."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString, TypeVar
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from coinsphere.accounts import browser_sessions
from coinsphere.accounts.browser_sessions import BrowserSession

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Quote:
    """The newest good quote of the token that a bare symbol means, in US dollars; None is unknown."""

    symbol: str
    token_id: UUID
    price: Decimal
    change_24h: Decimal | None
    volume_24h: Decimal | None
    market_cap: Decimal | None
    source: str
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class Firing:
    """A firing whose owner wants it on the stream."""

    event_id: UUID
    alert_id: UUID
    user_id: UUID
    alert_type: str
    token_symbol: str | None
    portfolio_id: UUID | None
    condition: str
    threshold: Decimal
    previous_value: Decimal | None
    observed_value: Decimal
    source: str
    observed_at: datetime
    fired_at: datetime


@dataclass(frozen=True, slots=True)
class PortfolioValue:
    """A portfolio's value in US dollars, None where no holding that is traded has a price.

    It leaves out `unpriced`, the symbols without a price, and `stale`, those that are delisted and have a last one.
    """

    portfolio_id: UUID
    user_id: UUID
    name: str
    total_value: Decimal | None
    unpriced: list[str]
    stale: list[str]


@dataclass(frozen=True, slots=True)
class ExchangeSync:
    """The progress of a sync of an exchange account; a time is None until its step is reached."""

    id: UUID
    user_id: UUID
    connection_id: UUID
    exchange: str
    status: str
    stream: str | None
    imported: int
    unbooked: int
    error: str | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class WalletSync:
    """The progress of a sync of a wallet; counts are None before it was read."""

    id: UUID
    user_id: UUID
    wallet_id: UUID
    blockchain: str
    status: str
    step: str | None
    imported: int
    balances: int | None
    positions: int | None
    error: str | None
    finished_at: datetime | None


# Of several tokens with one symbol, the symbol means the one of the highest market cap.
_QUOTES = """
    select distinct on (tokens.symbol)
        tokens.symbol, tokens.id as token_id, price, change_24h, volume_24h, market_cap, source, observed_at
    from market.quotes
    join market.tokens on tokens.id = quotes.token_id
    where tokens.is_active and quotes.quality = 'ok'
    order by tokens.symbol, market_cap desc nulls last, tokens.id
"""
_SYMBOLS = "select distinct symbol from market.tokens where is_active"
_FIRED = """
    select
        events.id as event_id, alerts.id as alert_id, alerts.user_id, alerts.alert_type,
        tokens.symbol as token_symbol, alerts.portfolio_id, events.condition, events.threshold,
        events.previous_value, events.observed_value, events.source, events.observed_at, events.fired_at
    from app.alert_events as events
    join app.alerts on alerts.id = events.alert_id
    left join market.tokens on tokens.id = alerts.token_id
    where events.fired_at > %(since)s and 'stream' = any(alerts.channels)
"""
_FIRINGS = _FIRED + "order by events.fired_at, events.id"
_NEWEST_OF = (
    _FIRED
    + "and alerts.user_id = %(user)s order by events.fired_at desc, events.id desc limit %(most)s"
)
_PORTFOLIOS = """
    select
        portfolios.id as portfolio_id, portfolios.user_id, portfolios.name,
        case
            when count(holdings.id) = 0 then 0
            else round(sum(holdings.amount * quotes.price) filter (where tokens.is_active), 18)
        end as total_value,
        coalesce(
            array_agg(distinct tokens.symbol order by tokens.symbol)
                filter (where holdings.id is not null and quotes.price is null),
            '{}'
        ) as unpriced,
        coalesce(
            array_agg(distinct tokens.symbol order by tokens.symbol)
                filter (where not tokens.is_active and quotes.price is not null),
            '{}'
        ) as stale
    from app.portfolios
    left join app.holdings on holdings.portfolio_id = portfolios.id and holdings.amount > 0
    left join market.tokens on tokens.id = holdings.token_id
    left join market.quotes on quotes.token_id = holdings.token_id and quotes.quality = 'ok'
    where portfolios.user_id = any(%(users)s)
    group by portfolios.id
"""
# The newest of each account that is open, or ended a while ago at most.
_EXCHANGE_SYNCS = """
    select s.id, s.user_id, s.connection_id, c.exchange, s.status, s.stream, s.imported, s.unbooked, s.error,
        s.finished_at
    from app.exchange_syncs s
    join app.exchange_connections c on c.id = s.connection_id
    where s.user_id = any(%(users)s) and (s.finished_at is null or s.finished_at > %(since)s)
    order by s.created_at, s.id
"""
_WALLET_SYNCS = """
    select s.id, s.user_id, s.wallet_id, w.blockchain, s.status, s.step, s.imported, s.balances, s.positions, s.error,
        s.finished_at
    from app.wallet_syncs s
    join app.wallet_connections w on w.id = s.wallet_id
    where s.user_id = any(%(users)s) and (s.finished_at is null or s.finished_at > %(since)s)
    order by s.created_at, s.id
"""
_LIVE = """
    select sessions.id, sessions.user_id
    from app.sessions
    join app.users on users.id = sessions.user_id and users.is_active
    where sessions.id = any(%(ids)s) and sessions.revoked_at is null and sessions.expires_at > %(now)s
"""


async def symbols(conn: AsyncConnection) -> set[str]:
    """The symbols of all active tokens."""
    return {symbol async for (symbol,) in await conn.execute(_SYMBOLS)}


async def quotes(conn: AsyncConnection) -> list[Quote]:
    """The newest good quote of each symbol."""
    return await _rows(conn, Quote, _QUOTES, {})


async def firings(conn: AsyncConnection, since: datetime) -> list[Firing]:
    """All firings after `since` that go to the stream, oldest first."""
    return await _rows(conn, Firing, _FIRINGS, {"since": since})


async def firings_of(
    conn: AsyncConnection, user_id: UUID, since: datetime, most: int
) -> list[Firing]:
    """The newest of a user's firings after `since` that go to the stream, oldest first."""
    parameters = {"user": user_id, "since": since, "most": most}
    return (await _rows(conn, Firing, _NEWEST_OF, parameters))[::-1]


async def portfolios(conn: AsyncConnection, users: Collection[UUID]) -> list[PortfolioValue]:
    """The portfolios of `users` and what they are worth now."""
    return await _rows(conn, PortfolioValue, _PORTFOLIOS, {"users": list(users)})


async def exchange_syncs(
    conn: AsyncConnection, users: Collection[UUID], since: datetime
) -> list[ExchangeSync]:
    """The syncs of `users` that are open, or ended after `since`."""
    parameters = {"users": list(users), "since": since}
    return await _rows(conn, ExchangeSync, _EXCHANGE_SYNCS, parameters)


async def wallet_syncs(
    conn: AsyncConnection, users: Collection[UUID], since: datetime
) -> list[WalletSync]:
    """The syncs of wallets of `users` that are open, or ended after `since`."""
    parameters = {"users": list(users), "since": since}
    return await _rows(conn, WalletSync, _WALLET_SYNCS, parameters)


async def _rows(
    conn: AsyncConnection, row: type[T], statement: LiteralString, parameters: Mapping[str, Any]
) -> list[T]:
    cursor = conn.cursor(row_factory=class_row(row))
    return await (await cursor.execute(statement, parameters)).fetchall()


async def browser_session(
    conn: AsyncConnection, secret: str, now: datetime, idle_days: int
) -> BrowserSession | None:
    """The session whose cookie holds `secret`; None where it has ended, or never was."""
    cursor = conn.cursor(row_factory=class_row(BrowserSession))
    await cursor.execute(browser_sessions.FIND, browser_sessions.parameters(secret, now, idle_days))
    return await cursor.fetchone()


async def live_sessions(
    conn: AsyncConnection, ids: Collection[UUID], now: datetime
) -> dict[UUID, UUID]:
    """Those of `ids` that have not ended, each with its user."""
    rows = await conn.execute(_LIVE, {"ids": list(ids), "now": now})
    return {session_id: user_id async for session_id, user_id in rows}
