"""The tokens that the system knows."""

from collections.abc import Iterable
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.market.model import Token

_ACTIVE = """
    select
        t.id, t.symbol, t.name, t.blockchain, t.coingecko_id, t.contract_address, t.peg_usd, t.is_active,
        row_number() over (
            partition by t.symbol order by q.market_cap desc nulls last, t.created_at, t.id
        ) = 1 as leads_symbol
    from market.tokens t
    left join market.quotes q on q.token_id = t.id
    where t.is_active
    order by q.market_cap desc nulls last, t.symbol, t.id
"""
_BY_SYMBOL = """
    select t.id, t.symbol, t.name, t.blockchain, t.coingecko_id, t.contract_address, t.peg_usd, t.is_active
    from market.tokens t
    left join market.quotes q on q.token_id = t.id
    where t.symbol = upper(%(symbol)s)
    order by t.is_active desc, q.market_cap desc nulls last, t.created_at, t.id
    limit 1
"""
_IDS_BY_SYMBOL = """
    select distinct on (t.symbol) t.symbol, t.id
    from market.tokens t
    left join market.quotes q on q.token_id = t.id
    where t.symbol = any(%(symbols)s)
    order by t.symbol, t.is_active desc, q.market_cap desc nulls last, t.created_at, t.id
"""
_BY_ID = """
    select t.id, t.symbol, t.name, t.blockchain, t.coingecko_id, t.contract_address, t.peg_usd, t.is_active,
        t.id = (
            select peer.id
            from market.tokens peer
            left join market.quotes q on q.token_id = peer.id
            where peer.symbol = t.symbol
            order by peer.is_active desc, q.market_cap desc nulls last, peer.created_at, peer.id
            limit 1
        ) as leads_symbol
    from market.tokens t
    where t.id = %(token_id)s
"""


def active(conn: Connection) -> list[Token]:
    """All tokens that are traded, by market cap, unknown last."""
    return conn.cursor(row_factory=class_row(Token)).execute(_ACTIVE).fetchall()


def by_symbol(conn: Connection, symbol: str) -> Token:
    """The token of that symbol, in any case; of several, the one of the highest market cap.

    Raises:
        LookupError: no token has the symbol.
    """
    cursor = conn.cursor(row_factory=class_row(Token))
    token = cursor.execute(_BY_SYMBOL, {"symbol": symbol.strip()}).fetchone()
    if token is None:
        raise LookupError(f"no token has the symbol {symbol!r}")
    return token


def ids_by_symbol(conn: Connection, symbols: Iterable[str]) -> dict[str, UUID]:
    """The tokens of those symbols that any has, in this case; of several with one symbol, the one of the highest market cap."""
    # PostgreSQL refuses a zero byte in a text.
    named_symbols = sorted({symbol for symbol in symbols if "\0" not in symbol})
    return dict(conn.execute(_IDS_BY_SYMBOL, {"symbols": named_symbols}).fetchall())


def named(conn: Connection, which: str) -> Token:
    """The token of that id or, where it is none, of that symbol.

    Raises:
        LookupError: there is none.
    """
    # PostgreSQL refuses a zero byte in a text.
    if "\0" in which:
        raise LookupError("no token has such a symbol")
    try:
        token_id = UUID(which)
    except ValueError:
        return by_symbol(conn, which)
    return get(conn, token_id)


def get(conn: Connection, token_id: UUID) -> Token:
    """The token of that id.

    Raises:
        LookupError: there is none.
    """
    cursor = conn.cursor(row_factory=class_row(Token))
    token = cursor.execute(_BY_ID, {"token_id": token_id}).fetchone()
    if token is None:
        raise LookupError(f"no token has the id {token_id}")
    return token
