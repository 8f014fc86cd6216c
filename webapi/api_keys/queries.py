"""API keys in PostgreSQL. Only the SHA-256 of a key is stored: 256 random bits need no stretching."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

PREFIX = "cs_live_"
_SHOWN = len(PREFIX) + 6
MAX_KEYS = 20
_TOUCH_SECONDS = 60

_COLUMNS = """
    select id, name, prefix, scopes, allowed_networks::text[] as allowed_networks, public_key, created_at, expires_at,
        last_used_at, host(last_used_from) as last_used_from, rotated_from
    from app.api_keys
"""
_ALIVE = "revoked_at is null and (expires_at is null or expires_at > %(now)s)"
_LIST = _COLUMNS + f"where user_id = %(user_id)s and {_ALIVE} order by created_at desc, id"
_GET = _COLUMNS + f"where user_id = %(user_id)s and id = %(key_id)s and {_ALIVE} for no key update"
_COUNT = """
    select count(*) from app.api_keys
    where user_id = %(user_id)s and revoked_at is null and (expires_at is null or expires_at > %(now)s)
"""
_LOCK = "select 1 from app.users where id = %(user_id)s for no key update"
_CREATE = """
    insert into app.api_keys
        (user_id, name, prefix, key_hash, scopes, allowed_networks, public_key, created_at, expires_at, rotated_from)
    values
        (%(user_id)s, %(name)s, %(prefix)s, %(key_hash)s, %(scopes)s, %(allowed_networks)s::cidr[], %(public_key)s,
         %(now)s, %(expires_at)s, %(rotated_from)s)
    returning id
"""
_REVOKE = """
    update app.api_keys set revoked_at = %(now)s
    where user_id = %(user_id)s and id = %(key_id)s and revoked_at is null
        and (expires_at is null or expires_at > %(now)s)
    returning id
"""
_EXPIRE = """
    update app.api_keys set expires_at = least(expires_at, %(at)s)
    where user_id = %(user_id)s and id = %(key_id)s
"""
_PRESENTED = """
    select k.id, k.user_id, u.role, k.scopes, k.allowed_networks::text[] as allowed_networks, k.public_key, k.last_used_at
    from app.api_keys k
    join app.users u on u.id = k.user_id
    where k.key_hash = %(key_hash)s and u.is_active
        and k.revoked_at is null and (k.expires_at is null or k.expires_at > %(now)s)
"""
_TOUCH = """
    update app.api_keys set last_used_at = %(now)s, last_used_from = %(address)s
    where id = %(key_id)s
        and (last_used_at is null or last_used_at < %(now)s::timestamptz - interval '60 seconds')
"""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as its owner sees it; the key itself is shown once, when it is created."""

    id: UUID
    name: str
    prefix: str
    scopes: list[str]
    allowed_networks: list[str]
    public_key: bytes | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    last_used_from: str | None
    rotated_from: UUID | None


@dataclass(frozen=True, slots=True)
class PresentedKey:
    """A live key that came with a request, and its owner."""

    id: UUID
    user_id: UUID
    role: str
    scopes: list[str]
    allowed_networks: list[str]
    public_key: bytes | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """The definition of a key to create."""

    name: str
    scopes: Sequence[str]
    allowed_networks: Sequence[str]
    public_key: bytes | None
    expires_at: datetime | None
    rotated_from: UUID | None = None


def create(conn: Connection, user_id: UUID, new: NewKey, now: datetime) -> tuple[UUID, str]:
    """Create a key. Returns its id, and the key itself, which is not stored."""
    secret = PREFIX + secrets.token_urlsafe(32)
    row = conn.execute(
        _CREATE,
        {
            "user_id": user_id,
            "name": new.name,
            "prefix": secret[:_SHOWN],
            "key_hash": key_hash(secret),
            "scopes": list(new.scopes),
            "allowed_networks": list(new.allowed_networks),
            "public_key": new.public_key,
            "now": now,
            "expires_at": new.expires_at,
            "rotated_from": new.rotated_from,
        },
    ).fetchone()
    assert row is not None
    return row[0], secret


def is_full(conn: Connection, user_id: UUID, now: datetime) -> bool:
    """Whether the user has as many keys as are allowed; the answer holds until this transaction ends."""
    conn.execute(_LOCK, {"user_id": user_id})
    row = conn.execute(_COUNT, {"user_id": user_id, "now": now}).fetchone()
    return row is not None and int(row[0]) >= MAX_KEYS


def all_of(conn: Connection, user_id: UUID, now: datetime) -> list[ApiKey]:
    """The user's live keys, newest first."""
    cursor = conn.cursor(row_factory=class_row(ApiKey))
    return cursor.execute(_LIST, {"user_id": user_id, "now": now}).fetchall()


def get(conn: Connection, user_id: UUID, key_id: UUID, now: datetime) -> ApiKey | None:
    """One live key of the user, locked; None if there is none."""
    cursor = conn.cursor(row_factory=class_row(ApiKey))
    return cursor.execute(_GET, {"user_id": user_id, "key_id": key_id, "now": now}).fetchone()


def revoke(conn: Connection, user_id: UUID, key_id: UUID, now: datetime) -> bool:
    """End a key at once. Returns whether it was live."""
    cursor = conn.execute(_REVOKE, {"user_id": user_id, "key_id": key_id, "now": now})
    return cursor.fetchone() is not None


def expire(conn: Connection, user_id: UUID, key_id: UUID, at: datetime) -> None:
    """End a key at `at`, or when it would have ended if that is sooner."""
    conn.execute(_EXPIRE, {"user_id": user_id, "key_id": key_id, "at": at})


def presented(conn: Connection, secret: str, now: datetime) -> PresentedKey | None:
    """The live key with this secret; None if there is none, it has ended, or its owner is disabled."""
    cursor = conn.cursor(row_factory=class_row(PresentedKey))
    return cursor.execute(_PRESENTED, {"key_hash": key_hash(secret), "now": now}).fetchone()


def touch(conn: Connection, key: PresentedKey, now: datetime, address: str | None) -> None:
    """Store the time of use of a key, once a minute at most, to spare a write for each request."""
    if key.last_used_at is None or (now - key.last_used_at).total_seconds() > _TOUCH_SECONDS:
        conn.execute(_TOUCH, {"key_id": key.id, "now": now, "address": address})


def key_hash(secret: str) -> bytes:
    """The hash that is stored of a key."""
    return hashlib.sha256(secret.encode()).digest()
