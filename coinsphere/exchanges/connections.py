"""Users' accounts at exchanges: their sealed keys, the keys' permissions, and when they are read next."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from psycopg import Connection as Database
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from coinsphere.exchanges.api import nonces
from coinsphere.exchanges.errors import KeyTooPowerful
from coinsphere.exchanges.model import Credentials, KeyInfo, LedgerAccount, Permissions, Verdict
from coinsphere.security import envelope, sealed_columns
from coinsphere.security.symmetric_keys import SymmetricKeys

Status = Literal["active", "invalid_key", "disabled"]

MOST = 20
"""Connections of one user."""
_NAME = 50

_CONNECTION = """
    select id, user_id, portfolio_id, exchange, label, permissions, status, last_synced_at, last_error, created_at,
        account, key_hash, key_hint, allows_trading, markets, assets, permissions_checked_at, sync_minutes, next_sync_at
    from app.exchange_connections
"""
_GET = _CONNECTION + "where id = %(id)s and (%(user_id)s::uuid is null or user_id = %(user_id)s)"
_LIST = _CONNECTION + "where user_id = %(user_id)s order by created_at, id"
_COUNT = "select count(*) from app.exchange_connections where user_id = %(user_id)s"
_CREATE = """
    insert into app.exchange_connections
        (id, user_id, portfolio_id, exchange, label, credentials, permissions, account, key_hash, key_hint,
         allows_trading, markets, permissions_checked_at, next_sync_at)
    values (%(id)s, %(user_id)s, %(portfolio_id)s, %(exchange)s, %(label)s, %(credentials)s, %(permissions)s,
            %(account)s, %(key_hash)s, %(key_hint)s, %(allows_trading)s, %(markets)s, %(now)s, %(now)s)
    on conflict (user_id, key_hash) do nothing
"""
_CHANGE = """
    update app.exchange_connections set
        portfolio_id = %(portfolio_id)s, markets = %(markets)s, sync_minutes = %(sync_minutes)s, updated_at = %(now)s
    where user_id = %(user_id)s and id = %(id)s
"""
_DELETE = "delete from app.exchange_connections where user_id = %(user_id)s and id = %(id)s returning exchange"
_CREDENTIALS = "select app.sealed_exchange_credentials(%(id)s)"
_CHECKED = """
    update app.exchange_connections set
        permissions = %(permissions)s, account = coalesce(account, %(account)s), permissions_checked_at = %(now)s
    where id = %(id)s
"""
_STOP = """
    update app.exchange_connections set
        status = %(status)s, last_error = %(error)s, next_sync_at = null, updated_at = %(now)s
    where id = %(id)s and status = 'active' returning user_id
"""


@dataclass(frozen=True, slots=True)
class Connection:
    """An account at an exchange, without its key; `assets` are those that it holds or ever moved."""

    id: UUID
    user_id: UUID
    portfolio_id: UUID | None
    exchange: str
    label: str | None
    permissions: dict[str, Any]
    status: Status
    last_synced_at: datetime | None
    last_error: str | None
    created_at: datetime
    account: str | None
    key_hash: bytes
    key_hint: str | None
    allows_trading: bool
    markets: list[str]
    assets: list[str]
    permissions_checked_at: datetime | None
    sync_minutes: int
    next_sync_at: datetime | None

    @property
    def ledger_name(self) -> str:
        """The account's name in the ledger; the view `app.exchange_differences` derives the same."""
        return (self.exchange + (f":{self.label}" if self.label is not None else ""))[:_NAME]

    def ledger_account(self, portfolio_id: UUID) -> LedgerAccount:
        """The account that its facts are booked to."""
        return LedgerAccount(portfolio_id, self.exchange, self.account, self.ledger_name)


@dataclass(frozen=True, slots=True)
class NewConnection:
    """The account and key that a user connects."""

    exchange: str
    credentials: Credentials
    portfolio_id: UUID
    label: str | None = None
    allows_trading: bool = False
    markets: tuple[str, ...] = ()


def create(
    conn: Database,
    keys: SymmetricKeys,
    user_id: UUID,
    new: NewConnection,
    *,
    info: KeyInfo,
    now: datetime,
) -> Connection | None:
    """Store a connection with its key sealed. Returns None where the user has connected this key already.

    Raises:
        KeyTooPowerful: see `require_harmless`.
    """
    require_harmless(info.permissions, allows_trading=new.allows_trading)
    connection_id = uuid4()
    place = sealed_columns.exchange_credentials(user_id, connection_id)
    values = {
        "id": connection_id,
        "user_id": user_id,
        "portfolio_id": new.portfolio_id,
        "exchange": new.exchange,
        "label": new.label,
        "credentials": envelope.seal(keys, _packed(new.credentials), place),
        "permissions": Jsonb(written(info.permissions)),
        "account": info.account,
        "key_hash": nonces.fingerprint(new.exchange, new.credentials.api_key),
        "key_hint": new.credentials.api_key[-4:],
        "allows_trading": new.allows_trading,
        "markets": list(new.markets),
        "now": now,
    }
    if conn.execute(_CREATE, values).rowcount == 0:
        return None
    return get(conn, connection_id, user_id)


def require_harmless(permissions: Permissions, *, allows_trading: bool) -> None:
    """Raise `KeyTooPowerful` where a key can do harm.

    Raises:
        KeyTooPowerful: it can withdraw or transfer, or it can trade and its owner did not say yes to that.
    """
    if permissions.withdraw:
        raise KeyTooPowerful(
            "This key can withdraw or transfer. Make one that can only read, and give us that.",
            can_withdraw=True,
        )
    if permissions.trade and not allows_trading:
        raise KeyTooPowerful(
            "This key can trade, which we never need. Make one that can only read, or say that you allow it.",
            can_withdraw=False,
        )


def get(conn: Database, connection_id: UUID, user_id: UUID | None = None) -> Connection | None:
    """A connection, of that user where one is given; None where there is none."""
    parameters = {"id": connection_id, "user_id": user_id}
    return conn.cursor(row_factory=class_row(Connection)).execute(_GET, parameters).fetchone()


def list_for(conn: Database, user_id: UUID) -> Sequence[Connection]:
    """The user's connections, the oldest first."""
    cursor = conn.cursor(row_factory=class_row(Connection))
    return cursor.execute(_LIST, {"user_id": user_id}).fetchall()


def is_full(conn: Database, user_id: UUID) -> bool:
    """Whether the user has as many connections as are allowed."""
    row = conn.execute(_COUNT, {"user_id": user_id}).fetchone()
    return row is not None and int(row[0]) >= MOST


def change(
    conn: Database,
    connection: Connection,
    *,
    portfolio_id: UUID | None,
    markets: Sequence[str],
    sync_minutes: int,
    now: datetime,
) -> Connection | None:
    """Change a connection's settings; one that moves to another portfolio is read there from the beginning."""
    values = {
        "id": connection.id,
        "user_id": connection.user_id,
        "portfolio_id": portfolio_id,
        "markets": list(markets),
        "sync_minutes": sync_minutes,
        "now": now,
    }
    conn.execute(_CHANGE, values)
    return get(conn, connection.id, connection.user_id)


def delete(conn: Database, user_id: UUID, connection_id: UUID) -> str | None:
    """Delete a connection and its key; its facts stay in the ledger. Returns its exchange, None where there was none."""
    row = conn.execute(_DELETE, {"user_id": user_id, "id": connection_id}).fetchone()
    return None if row is None else str(row[0])


def credentials(conn: Database, keys: SymmetricKeys, connection: Connection) -> Credentials:
    """The key of a connection, opened. Only the worker's role may read it.

    Raises:
        SealError: it does not open.
        LookupError: the connection is gone.
    """
    row = conn.execute(_CREDENTIALS, {"id": connection.id}).fetchone()
    if row is None or row[0] is None:
        raise LookupError("The account was disconnected meanwhile.")
    place = sealed_columns.exchange_credentials(connection.user_id, connection.id)
    return Credentials(**json.loads(envelope.open_(keys, row[0], place)))


def checked(conn: Database, connection_id: UUID, info: KeyInfo, now: datetime) -> None:
    """Store the permissions that the exchange reported for the key."""
    permissions = Jsonb(written(info.permissions))
    values = {"id": connection_id, "permissions": permissions, "account": info.account, "now": now}
    conn.execute(_CHECKED, values)


def stop(
    conn: Database, connection_id: UUID, status: Status, error: str, now: datetime
) -> UUID | None:
    """Stop reading an account. Returns its user, None where it was stopped before."""
    values = {"id": connection_id, "status": status, "error": error[:500], "now": now}
    row = conn.execute(_STOP, values).fetchone()
    return None if row is None else UUID(str(row[0]))


def written(permissions: Permissions) -> dict[str, Any]:
    """Permissions in the form in which they are stored and shown."""
    return {
        "verdict": permissions.verdict,
        "canRead": permissions.verdict is not Verdict.UNKNOWN or None,
        "canTrade": permissions.trade,
        "canWithdraw": permissions.withdraw,
        "isVerified": permissions.verdict is not Verdict.UNKNOWN,
        "granted": list(permissions.granted[:50]),
    }


def _packed(secret: Credentials) -> bytes:
    parts = {
        "api_key": secret.api_key,
        "api_secret": secret.api_secret,
        "passphrase": secret.passphrase,
    }
    return json.dumps(parts).encode()
