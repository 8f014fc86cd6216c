"""Protocols, their yields and users' positions in PostgreSQL. Every statement of the API names the owner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection, Cursor
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from coinsphere.defi.model import PositionKind

# A protocol beyond the seeds appears with its first position.
_PROTOCOL = """
    insert into app.defi_protocols (slug, name, category, blockchain, website)
    values (%(slug)s, %(name)s, %(category)s, 'ethereum', %(website)s)
    on conflict (slug) do nothing
"""
_PROTOCOL_ID = "select id from app.defi_protocols where slug = %(slug)s"
_UPSERT = """
    insert into app.defi_positions as known
        (wallet_id, protocol_id, position_key, position_type, token_id, contract_address, symbol, amount, details,
         observed_at, opened_at)
    values (%(wallet_id)s, %(protocol_id)s, %(key)s, %(kind)s, %(token_id)s, %(contract)s, %(symbol)s, %(amount)s,
            %(details)s, %(now)s, %(now)s)
    on conflict (wallet_id, protocol_id, position_key) where closed_at is null do update set
        position_type = excluded.position_type, token_id = excluded.token_id, symbol = excluded.symbol,
        contract_address = excluded.contract_address, amount = excluded.amount, details = excluded.details,
        observed_at = excluded.observed_at
"""
_CLOSE = """
    update app.defi_positions set closed_at = %(now)s
    where wallet_id = %(wallet_id)s and protocol_id = %(protocol_id)s and closed_at is null
        and position_key <> all(%(keys)s) and (%(are_rewards_known)s or position_type <> 'reward')
"""
_OPEN = """
    select p.id, p.wallet_id, w.portfolio_id, w.blockchain, w.address as wallet_address, p.position_type,
        p.position_key, p.amount, p.contract_address, coalesce(t.symbol, p.symbol) as token_symbol, t.name as token_name,
        t.logo_url as token_logo_url, q.price, q.source as price_source, q.observed_at as price_updated_at, p.details,
        p.observed_at, p.opened_at, d.id as protocol_id, d.slug as protocol_slug, d.name as protocol_name,
        d.category as protocol_category, d.logo_url as protocol_logo_url
    from app.defi_positions p
    join app.wallet_connections w on w.id = p.wallet_id
    join app.defi_protocols d on d.id = p.protocol_id
    left join market.tokens t on t.id = p.token_id
    left join market.quotes q on q.token_id = p.token_id and q.quality = 'ok'
    where w.user_id = %(user_id)s and p.closed_at is null
        and (%(wallet_id)s::uuid is null or p.wallet_id = %(wallet_id)s)
    order by d.name, w.created_at, w.id, p.position_key
"""
_PROTOCOLS = """
    select p.id, p.name, p.slug, p.category, p.blockchain, p.logo_url, p.website, p.tvl, p.tvl_observed_at, p.source, p.untold,
        p.is_active,
        best.apy, best.apy_observed_at
    from app.defi_protocols p
    left join lateral (
        select y.apy, y.observed_at as apy_observed_at from app.defi_yields y
        where y.protocol_id = p.id order by y.tvl desc, y.pool limit 1
    ) best on true
    order by p.tvl desc nulls last, p.name
"""
_YIELDS = """
    select y.protocol_id, y.pool, y.blockchain, y.symbol, y.tvl, y.apy, y.apy_base, y.apy_reward, y.observed_at
    from app.defi_yields y
    order by y.protocol_id, y.tvl desc, y.pool
"""


class Described(NamedTuple):
    """The description of a protocol that is not among the seeds."""

    name: str
    category: str
    website: str


BEYOND_SEEDS = {"compound-v3": Described("Compound V3", "lending", "https://compound.finance")}


@dataclass(frozen=True, slots=True)
class NewPosition:
    """A position to be stored; `token_id` is None where we follow no such token."""

    key: str
    kind: PositionKind
    token_id: UUID | None
    contract: str
    symbol: str | None
    amount: Decimal
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoredPosition:
    """An open position with the present price of its token in US dollars; None is unknown."""

    id: UUID
    wallet_id: UUID
    portfolio_id: UUID | None
    blockchain: str
    wallet_address: str
    position_type: PositionKind
    position_key: str
    amount: Decimal
    contract_address: str
    token_symbol: str | None
    token_name: str | None
    token_logo_url: str | None
    price: Decimal | None
    price_source: str | None
    price_updated_at: datetime | None
    details: dict[str, Any]
    observed_at: datetime
    opened_at: datetime
    protocol_id: UUID
    protocol_slug: str
    protocol_name: str
    protocol_category: str
    protocol_logo_url: str | None


@dataclass(frozen=True, slots=True)
class Protocol:
    """A protocol; `tvl` in US dollars, `apy` in percent a year of its largest pool. None is unknown.

    `source` told it; `untold` says why the last look brought nothing.
    """

    id: UUID
    name: str
    slug: str
    category: str
    blockchain: str
    logo_url: str | None
    website: str | None
    tvl: Decimal | None
    tvl_observed_at: datetime | None
    source: str | None
    untold: str | None
    is_active: bool
    apy: Decimal | None
    apy_observed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Yield:
    """A pool's yield in percent a year, and what lies in it in US dollars."""

    protocol_id: UUID
    pool: str
    blockchain: str
    symbol: str
    tvl: Decimal
    apy: Decimal | None
    apy_base: Decimal | None
    apy_reward: Decimal | None
    observed_at: datetime


def store(
    conn: Connection,
    wallet_id: UUID,
    slug: str,
    positions: Sequence[NewPosition],
    now: datetime,
    *,
    are_rewards_known: bool = True,
) -> None:
    """Store a wallet's positions in a protocol and close those that are gone; rewards are closed only where they were read.

    Raises:
        LookupError: there is no such protocol.
    """
    protocol_id = _protocol(conn, slug)
    parameters = {"wallet_id": wallet_id, "protocol_id": protocol_id, "now": now}
    keys = [each.key for each in positions]
    conn.execute(_CLOSE, {**parameters, "keys": keys, "are_rewards_known": are_rewards_known})
    with conn.cursor() as cursor:
        cursor.executemany(_UPSERT, [{**parameters, **_row(each)} for each in positions])


def open_positions(
    conn: Connection, user_id: UUID, wallet_id: UUID | None = None
) -> list[StoredPosition]:
    """The user's open positions, ordered by protocol; with a wallet, only its own."""
    return ask_open_positions(conn, user_id, wallet_id).fetchall()


def ask_open_positions(
    conn: Connection, user_id: UUID, wallet_id: UUID | None = None
) -> Cursor[StoredPosition]:
    """Sends the statement of `open_positions`; in a pipeline, without waiting for the answer."""
    parameters = {"user_id": user_id, "wallet_id": wallet_id}
    return conn.cursor(row_factory=class_row(StoredPosition)).execute(_OPEN, parameters)


def protocols(conn: Connection) -> list[Protocol]:
    """All protocols, the largest first, unknown ones last."""
    return conn.cursor(row_factory=class_row(Protocol)).execute(_PROTOCOLS).fetchall()


def yields(conn: Connection) -> list[Yield]:
    """The largest pools of all protocols."""
    return conn.cursor(row_factory=class_row(Yield)).execute(_YIELDS).fetchall()


def _protocol(conn: Connection, slug: str) -> UUID:
    row = conn.execute(_PROTOCOL_ID, {"slug": slug}).fetchone()
    if row is None and slug in BEYOND_SEEDS:
        conn.execute(_PROTOCOL, {"slug": slug, **BEYOND_SEEDS[slug]._asdict()})
        row = conn.execute(_PROTOCOL_ID, {"slug": slug}).fetchone()
    if row is None:
        raise LookupError(f"no protocol is called {slug}")
    return UUID(str(row[0]))


def _row(position: NewPosition) -> dict[str, object]:
    return {
        "key": position.key,
        "kind": position.kind,
        "token_id": position.token_id,
        "contract": position.contract,
        "symbol": position.symbol,
        "amount": position.amount,
        "details": Jsonb(dict(position.details)),
    }
