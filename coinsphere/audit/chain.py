"""The entries of the audit log, chained by hashes so that every later change shows.

An entry carries the hash of the one before and its own, an HMAC-SHA256 under a key that the database does not have.
There is one chain, written in order under an advisory lock that the caller's transaction holds until its end: append
as the last statement, at the isolation level READ COMMITTED.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from coinsphere.audit import masking
from coinsphere.audit.events import Event
from coinsphere.audit.masking import Detail
from coinsphere.security.symmetric_keys import SymmetricKey, SymmetricKeys

FIRST_HASH = bytes(32)
"""What the first entry names as the hash before it."""

_FETCH = 2_000

_HEAD = "select seq, entry_hash from app.audit_head()"
_APPEND = """
    insert into app.audit_logs
        (seq, occurred_at, actor_id, action, target, ip_address, request_id, details, prev_hash, entry_hash, key_id)
    values
        (%(seq)s, %(occurred_at)s, %(actor_id)s, %(action)s, %(target)s, %(ip_address)s, %(request_id)s, %(details)s,
         %(prev_hash)s, %(entry_hash)s, %(key_id)s)
"""
_COLUMNS = """
    select id, seq, occurred_at, actor_id, action, target, ip_address::text as ip_address, request_id, details,
        prev_hash, entry_hash, key_id
    from app.audit_logs
"""
_CHAIN = _COLUMNS + "where seq > %(after)s order by seq, id"
_NEWEST = _COLUMNS + """
    where (%(action)s::text is null or action = %(action)s)
      and (%(actor_id)s::uuid is null or actor_id = %(actor_id)s)
    order by id desc limit %(limit)s
"""  # fmt: skip
_LOOSE = """
    select count(*), min(id) filter (where id > coalesce((select min(id) from app.audit_logs where seq is not null), id))
    from app.audit_logs where seq is null
"""
_LAST = "select seq, entry_hash from app.audit_logs where seq is not null order by seq desc limit 1"


@dataclass(frozen=True, slots=True)
class Act:
    """A row of the log; `seq` is None for entries older than the chain."""

    id: int
    seq: int | None
    occurred_at: datetime
    actor_id: UUID | None
    action: str
    target: str | None
    ip_address: str | None
    request_id: str | None
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry(Act):
    """A row of the log with the hashes that chain it, None for entries older than the chain."""

    prev_hash: bytes | None
    entry_hash: bytes | None
    key_id: str | None


def append(
    conn: Connection,
    keys: SymmetricKeys,
    event: Event,
    now: datetime,
    *,
    actor_id: UUID | None = None,
    target: str | None = None,
    ip_address: str | None = None,
    request_id: str | None = None,
    details: Mapping[str, Detail] | None = None,
) -> int:
    """Write an entry in the transaction of the act itself. Returns the entry's number.

    Secrets are masked, mail and wallet addresses are shortened, network addresses become their /24 or /48.

    Raises:
        psycopg.errors.UniqueViolation: the transaction's snapshot is older than the chain's end (it is not READ
            COMMITTED).
    """
    seq, prev_hash = _head(conn)
    key = keys.active
    values = {
        "seq": seq + 1,
        "occurred_at": now.astimezone(UTC),
        "actor_id": actor_id,
        "action": event.value,
        "target": masking.text(target),
        "ip_address": masking.network(ip_address),
        "request_id": masking.text(request_id),
        "details": masking.details(details or {}),
        "key_id": key.kid,
    }
    row = {
        **values,
        "details": Jsonb(values["details"]),
        "prev_hash": prev_hash,
        "entry_hash": _hash(key, prev_hash, values),
    }
    conn.execute(_APPEND, row)
    return seq + 1


def newest(
    conn: Connection, limit: int, *, action: str | None = None, actor_id: UUID | None = None
) -> list[Entry]:
    """The newest entries, the last first."""
    with conn.cursor(row_factory=class_row(Entry)) as cursor:
        parameters = {"limit": limit, "action": action, "actor_id": actor_id}
        return cursor.execute(_NEWEST, parameters).fetchall()


def entries(conn: Connection, *, after: int) -> Iterator[Entry]:
    """The entries whose number is greater than `after`, in order; at most 2,000 are in memory at a time."""
    with conn.cursor("audit_chain", row_factory=class_row(Entry)) as cursor:
        cursor.itersize = _FETCH
        cursor.execute(_CHAIN, {"after": after})
        yield from cursor


def loose(conn: Connection) -> tuple[int, int | None]:
    """How many rows stand outside the chain, and the id of the first of them that is not older than the chain."""
    return conn.execute(_LOOSE).fetchone() or (0, None)


def end(conn: Connection) -> tuple[int, bytes] | None:
    """The number and the hash of the last entry; None where there is no entry yet. Takes no lock."""
    return conn.execute(_LAST).fetchone()


def hash_of(key: SymmetricKey, entry: Entry) -> bytes:
    """The hash that an entry of this content has under `key`."""
    values = {
        "seq": entry.seq,
        "occurred_at": entry.occurred_at.astimezone(UTC),
        "actor_id": entry.actor_id,
        "action": entry.action,
        "target": entry.target,
        "ip_address": entry.ip_address,
        "request_id": entry.request_id,
        "details": entry.details,
        "key_id": entry.key_id,
    }
    return _hash(key, entry.prev_hash or b"", values)


def _head(conn: Connection) -> tuple[int, bytes]:
    """The number and the hash of the last entry; from here on nobody else appends until this transaction ends."""
    seq, entry_hash = conn.execute(_HEAD).fetchone() or (None, None)
    return (0, FIRST_HASH) if seq is None else (seq, entry_hash)


def _hash(key: SymmetricKey, prev_hash: bytes, values: Mapping[str, Any]) -> bytes:
    """HMAC over the hash before and the canonical JSON of the entry."""
    content = msgspec.json.encode(values, order="deterministic")
    return hmac.digest(key.secret, prev_hash + content, hashlib.sha256)
