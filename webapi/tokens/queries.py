"""Tokens, their prices and their candles, as the API reads them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from webapi.backends import warehouse

# A token without a quote has the last close of its daily candles, if it has any.
_PRICED = """
    select
        t.id, t.symbol, t.name, t.blockchain, t.logo_url,
        coalesce(q.price, last.close) as current_price,
        coalesce(
            q.market_cap,
            round(coalesce(q.price, last.close) * m.circulating_supply, 18)
        ) as market_cap,
        q.volume_24h, q.change_24h as price_change_24h,
        coalesce(q.source, last.source) as price_source,
        coalesce(q.observed_at, last.known_at) as price_updated_at,
        t.coingecko_id, t.contract_address, t.decimals,
        m.all_time_high as ath, m.all_time_high_at as ath_date,
        m.all_time_low as atl, m.all_time_low_at as atl_date,
        m.circulating_supply, m.total_supply, m.max_supply,
        t.created_at, t.updated_at, t.is_active,
        (select string_agg(distinct s.reason, ' ') from market.set_aside s
         where s.token_id = t.id and s.state = 'held') as set_aside
    from market.tokens t
    left join market.quotes q on q.token_id = t.id and q.quality = 'ok'
    left join market.token_metadata m on m.token_id = t.id
    left join lateral (
        select p.close, p.source, least(p.observed_at, p.opened_at + interval '1 day') as known_at
        from market.price_data p
        where p.token_id = t.id and p.interval = '1d' and q.token_id is null and p.quality <> 'suspect'
        order by p.opened_at desc
        limit 1
    ) last on true
"""
_LIST = (
    "with priced as ("  # noqa: S608 - constants alone
    + _PRICED
    + """
    where t.is_active
      and (
        %(pattern)s::text is null
        or t.symbol ilike %(pattern)s or t.name ilike %(pattern)s or t.coingecko_id ilike %(pattern)s
      )
      and (
        %(watcher)s::uuid is null
        or exists (
            select from app.watched_tokens w where w.token_id = t.id and w.user_id = %(watcher)s
        )
      )
    )
    select * from priced
    where %(after_id)s::uuid is null
       or coalesce(market_cap, -1) < %(after_cap)s
       or (coalesce(market_cap, -1) = %(after_cap)s and (symbol, id) > (%(after_symbol)s, %(after_id)s))
    order by coalesce(market_cap, -1) desc, symbol, id
    limit %(limit)s
"""
)
_BY_SYMBOL = (
    _PRICED
    + """
    where t.symbol = upper(%(symbol)s)
    order by t.is_active desc, q.market_cap desc nulls last, t.created_at, t.id
    limit 1
"""
)
_BY_SYMBOLS = (
    "with priced as ("  # noqa: S608 - constants alone
    + _PRICED
    + """
    where t.symbol = any(%(symbols)s)
    )
    select distinct on (symbol) * from priced
    order by symbol, is_active desc, market_cap desc nulls last, created_at, id
"""
)
_BY_IDS = _PRICED + "where t.id = any(%(token_ids)s)"
_EXTREMES = """
    select
        token_id, all_time_high, all_time_high_date::timestamp at time zone 'UTC' as all_time_high_at,
        all_time_low, all_time_low_date::timestamp at time zone 'UTC' as all_time_low_at
    from marts.fct_token_stats
    where token_id = any(%(token_ids)s)
"""


@dataclass(frozen=True, slots=True)
class Token:
    """A token with its price in US dollars; None is unknown."""

    id: UUID
    symbol: str
    name: str
    blockchain: str
    logo_url: str | None
    current_price: Decimal | None
    market_cap: Decimal | None
    volume_24h: Decimal | None
    price_change_24h: Decimal | None
    price_source: str | None
    price_updated_at: datetime | None
    coingecko_id: str | None
    contract_address: str | None
    decimals: int | None
    ath: Decimal | None
    ath_date: datetime | None
    atl: Decimal | None
    atl_date: datetime | None
    circulating_supply: Decimal | None
    total_supply: Decimal | None
    max_supply: Decimal | None
    created_at: datetime
    updated_at: datetime
    is_active: bool
    set_aside: str | None


@dataclass(frozen=True, slots=True)
class Extremes:
    """The highest and lowest price in our own candles."""

    token_id: UUID
    all_time_high: Decimal
    all_time_high_at: datetime
    all_time_low: Decimal
    all_time_low_at: datetime


@dataclass(frozen=True, slots=True)
class After:
    """The row after which a page begins."""

    market_cap: Decimal
    symbol: str
    token_id: UUID


def search(
    conn: Connection,
    text: str | None,
    after: After | None,
    limit: int,
    *,
    watcher: UUID | None = None,
) -> list[Token]:
    """Active tokens by market cap, unknown last; `text` is searched for in symbol, name and provider id.

    With a `watcher`, those on the watchlist of that user alone.
    """
    parameters = {
        "watcher": watcher,
        "pattern": None if text is None else f"%{_literally(text)}%",
        "after_cap": after.market_cap if after else None,
        "after_symbol": after.symbol if after else None,
        "after_id": after.token_id if after else None,
        "limit": limit,
    }
    return conn.cursor(row_factory=class_row(Token)).execute(_LIST, parameters).fetchall()


def by_symbol(conn: Connection, symbol: str) -> Token | None:
    """The token of a symbol, in any case; of several the one of the highest market cap."""
    cursor = conn.cursor(row_factory=class_row(Token))
    return cursor.execute(_BY_SYMBOL, {"symbol": symbol}).fetchone()


def by_symbols(conn: Connection, symbols: list[str]) -> dict[str, Token]:
    """The same for several symbols in upper case, by symbol; those that no token has are missing."""
    cursor = conn.cursor(row_factory=class_row(Token))
    return {token.symbol: token for token in cursor.execute(_BY_SYMBOLS, {"symbols": symbols})}


def by_id(conn: Connection, token_id: UUID) -> Token:
    """The token of an id that exists."""
    return by_ids(conn, [token_id])[token_id]


def by_ids(conn: Connection, token_ids: Sequence[UUID]) -> dict[UUID, Token]:
    """The tokens of these ids; ids without a token are missing."""
    cursor = conn.cursor(row_factory=class_row(Token))
    rows = cursor.execute(_BY_IDS, {"token_ids": list(token_ids)})
    return {token.id: token for token in rows}


def extremes(conn: Connection, token_ids: Sequence[UUID]) -> dict[UUID, Extremes]:
    """The extremes of the tokens' candles; of none before the warehouse has any."""
    rows = warehouse.rows(conn, _EXTREMES, {"token_ids": list(token_ids)}, Extremes)
    return {each.token_id: each for each in rows or []}


def with_extremes(conn: Connection, token: Token) -> Token:
    """The token with the extremes of our own candles where no provider has any."""
    return all_with_extremes(conn, [token])[token]


def all_with_extremes(conn: Connection, tokens: Sequence[Token]) -> dict[Token, Token]:
    """The same for several tokens, by what they were."""
    untold = [each.id for each in tokens if each.ath is None or each.atl is None]
    by_token = extremes(conn, untold) if untold else {}
    return {
        each: _extended(each, by_token[each.id]) if each.id in by_token else each for each in tokens
    }


def _extended(token: Token, extremes_of_token: Extremes) -> Token:
    values: dict[str, Any] = {}
    if token.ath is None:
        values |= {
            "ath": extremes_of_token.all_time_high,
            "ath_date": extremes_of_token.all_time_high_at,
        }
    if token.atl is None:
        values |= {
            "atl": extremes_of_token.all_time_low,
            "atl_date": extremes_of_token.all_time_low_at,
        }
    return replace(token, **values)


def _literally(text: str) -> str:
    """`text` with LIKE's special characters escaped."""
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
