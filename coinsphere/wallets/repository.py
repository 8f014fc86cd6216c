"""Wallets of users and what was read of them. Every statement of the API names the owner."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.chains.blockchains import Blockchain

Ownership = Literal["verified", "watch"]
MOST_WALLETS = 50
MOST_TOKENS = 200

_WALLET = """
    select w.id, w.user_id, w.address, w.blockchain, w.label, w.ownership, w.status, w.portfolio_id, w.last_block,
        w.last_error, w.last_synced_at, w.created_at,
        array(select t.contract_address from app.wallet_tokens t where t.wallet_id = w.id order by 1) as tokens
    from app.wallet_connections w
"""
_LIST = _WALLET + "where w.user_id = %(user_id)s order by w.created_at, w.id"
_GET = _WALLET + "where w.user_id = %(user_id)s and w.id = %(id)s"
_BY_ID = _WALLET + "where w.id = %(id)s"
_COUNT = "select count(*) from app.wallet_connections where user_id = %(user_id)s"
# Connected again, a wallet keeps its proof and takes what is given anew; in another ledger it is booked from nothing.
_CONNECT = """
    insert into app.wallet_connections as known (user_id, address, blockchain, label, ownership, portfolio_id)
    values (%(user_id)s, %(address)s, %(blockchain)s, %(label)s, %(ownership)s, %(portfolio_id)s)
    on conflict (user_id, blockchain, lower(address)) do update set
        label = coalesce(excluded.label, known.label),
        ownership = case known.ownership when 'verified' then 'verified' else excluded.ownership end,
        portfolio_id = coalesce(excluded.portfolio_id, known.portfolio_id)
    returning id
"""
_KNOWN = """
    select id from app.wallet_connections
    where user_id = %(user_id)s and blockchain = %(blockchain)s and lower(address) = lower(%(address)s)
    for update
"""
_OWNED = "select exists (select from app.portfolios where user_id = %(user_id)s and id = %(id)s)"
_DELETE = "delete from app.wallet_connections where user_id = %(user_id)s and id = %(id)s"
_FORGET_TOKENS = """
    delete from app.wallet_tokens where wallet_id = %(wallet_id)s and contract_address <> all(%(contracts)s)
"""
_TICK = """
    insert into app.wallet_tokens (wallet_id, contract_address)
    select %(wallet_id)s, unnest(%(contracts)s::text[])
    on conflict do nothing
"""
_BALANCES = """
    select b.wallet_id, b.contract_address, b.token_id, b.symbol, b.amount, b.block_number, b.observed_at
    from app.wallet_balances b
    join app.wallet_connections w on w.id = b.wallet_id
    where w.user_id = %(user_id)s and b.wallet_id = %(wallet_id)s and b.amount > 0
    order by b.contract_address
"""
_UNBOOK = "update app.wallet_balances set booked = 0 where wallet_id = %(wallet_id)s"


@dataclass(frozen=True, slots=True)
class Wallet:
    """A wallet; `tokens` are contracts that its user ticked. Without a portfolio it is only looked at."""

    id: UUID
    user_id: UUID
    address: str
    blockchain: Blockchain
    label: str | None
    ownership: Ownership
    status: Literal["active", "syncing", "error", "disabled"]
    portfolio_id: UUID | None
    last_block: int | None
    last_error: str | None
    last_synced_at: datetime | None
    created_at: datetime
    tokens: list[str]


@dataclass(frozen=True, slots=True)
class NewWallet:
    """A wallet to be connected; the address as `addresses.normalise` gives it."""

    address: str
    blockchain: Blockchain
    label: str | None = None
    ownership: Ownership = "watch"
    portfolio_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class StoredBalance:
    """What a wallet held of a token when it was read last; `token_id` is None where we follow no such token."""

    wallet_id: UUID
    contract_address: str
    token_id: UUID | None
    symbol: str | None
    amount: Decimal
    block_number: int | None
    observed_at: datetime


def list_for(conn: Connection, user_id: UUID) -> list[Wallet]:
    """The user's wallets, the oldest first."""
    cursor = conn.cursor(row_factory=class_row(Wallet))
    return cursor.execute(_LIST, {"user_id": user_id}).fetchall()


def get(conn: Connection, user_id: UUID, wallet_id: UUID) -> Wallet | None:
    """One wallet of the user; None where there is none of that id."""
    cursor = conn.cursor(row_factory=class_row(Wallet))
    return cursor.execute(_GET, {"user_id": user_id, "id": wallet_id}).fetchone()


def by_id(conn: Connection, wallet_id: UUID) -> Wallet | None:
    """A wallet, whoever's it is: for the worker."""
    return conn.cursor(row_factory=class_row(Wallet)).execute(_BY_ID, {"id": wallet_id}).fetchone()


def count(conn: Connection, user_id: UUID) -> int:
    """How many wallets the user has."""
    row = conn.execute(_COUNT, {"user_id": user_id}).fetchone()
    assert row is not None
    return int(row[0])


def find(conn: Connection, user_id: UUID, blockchain: Blockchain, address: str) -> UUID | None:
    """The wallet of that address, locked until the transaction ends; None where there is none."""
    parameters = {"user_id": user_id, "blockchain": blockchain, "address": address}
    row = conn.execute(_KNOWN, parameters).fetchone()
    return None if row is None else UUID(str(row[0]))


def connect(conn: Connection, user_id: UUID, new: NewWallet) -> Wallet:
    """Store a wallet, or what is new of one that is known.

    Raises:
        LookupError: the portfolio is not the user's.
    """
    if new.portfolio_id is not None:
        owned = conn.execute(_OWNED, {"user_id": user_id, "id": new.portfolio_id}).fetchone()
        if owned != (True,):
            raise LookupError("the portfolio does not exist")
    parameters = {
        "user_id": user_id,
        "address": new.address,
        "blockchain": new.blockchain,
        "label": new.label,
        "ownership": new.ownership,
        "portfolio_id": new.portfolio_id,
    }
    row = conn.execute(_CONNECT, parameters).fetchone()
    assert row is not None
    wallet = get(conn, user_id, row[0])
    assert wallet is not None
    return wallet


def delete(conn: Connection, user_id: UUID, wallet_id: UUID) -> bool:
    """Forget a wallet with all that was read of it; False where there is none of that id."""
    return conn.execute(_DELETE, {"user_id": user_id, "id": wallet_id}).rowcount == 1


def tick(conn: Connection, wallet_id: UUID, contracts: Iterable[str]) -> None:
    """Set which tokens are looked for beside the curated ones."""
    parameters = {"wallet_id": wallet_id, "contracts": list(contracts)}
    conn.execute(_FORGET_TOKENS, parameters)
    conn.execute(_TICK, parameters)


def balances(conn: Connection, user_id: UUID, wallet_id: UUID) -> list[StoredBalance]:
    """What a wallet of the user holds."""
    parameters = {"user_id": user_id, "wallet_id": wallet_id}
    cursor = conn.cursor(row_factory=class_row(StoredBalance))
    return cursor.execute(_BALANCES, parameters).fetchall()


def unbook(conn: Connection, wallet_id: UUID) -> None:
    """Forget what a ledger was told of a wallet: its facts were withdrawn, or it goes into another one."""
    conn.execute(_UNBOOK, {"wallet_id": wallet_id})
