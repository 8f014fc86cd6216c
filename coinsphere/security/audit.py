"""The audit log: who did what to what, when and from where, in a chain that shows every change made to it.

An entry carries the hash of the one before and its own, an HMAC-SHA256 under a key that the database does not have.
There is one chain, written in order under an advisory lock that the caller's transaction holds until its end: append
as the last statement, at the isolation level READ COMMITTED.

A chain cannot show that its end was cut off. An anchor does: a line, outside the database, with the number and the
hash of the last entry of its time.
"""

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from coinsphere import log
from coinsphere.errors import UnknownKey
from coinsphere.security import private_files
from coinsphere.security.audit_events import Event
from coinsphere.security.symmetric_keys import SymmetricKey, SymmetricKeys

Detail = str | int | bool | None

FIRST_HASH = bytes(32)
"""What the first entry names as the hash before it."""
_LONGEST = 500
_MOST_DETAILS = 20
_FETCH = 2_000

_EMAIL = re.compile(r"([\w.!#$%&'*+/=?^`{|}~-])[\w.!#$%&'*+/=?^`{|}~-]*@([\w-]+(\.[\w-]+)+)")
_CHAIN_ADDRESS = re.compile(
    r"\b(0x[0-9a-fA-F]{4}|bc1[0-9a-z]{3})[0-9a-zA-Z]{16,}([0-9a-zA-Z]{4})\b"
)

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
class Entry:
    """A row of the log. `seq` and what follows from it are None for entries older than the chain."""

    id: int
    seq: int | None
    occurred_at: datetime
    actor_id: UUID | None
    action: str
    target: str | None
    ip_address: str | None
    request_id: str | None
    details: dict[str, Any]
    prev_hash: bytes | None
    entry_hash: bytes | None
    key_id: str | None


class Anchor(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The end of the chain at some time, sealed by the key that it names."""

    seq: int
    entry_hash: str
    anchored_at: datetime
    key_id: str
    seal: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found.

    Attributes:
        checked: entries whose hash was computed anew.
        loose: entries older than the chain, which nothing protects.
        anchors: anchors compared with their entries.
        problem: the first thing that is wrong, with the entry's number; None: nothing is.
    """

    checked: int
    loose: int
    anchors: int
    problem: str | None


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
    """Tell of an act in the transaction that does it; gives the entry's number.

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
        "target": _text(target),
        "ip_address": network(ip_address),
        "request_id": _text(request_id),
        "details": _details(details or {}),
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


def verify(
    conn: Connection, keys: SymmetricKeys, anchors: list[Anchor], *, after: Anchor | None = None
) -> Verdict:
    """Check the chain and the anchors; the first thing that is wrong is named.

    Args:
        conn: in a transaction, so that the chain stands still.
        keys: every key that sealed an entry.
        anchors: as read from the anchor file.
        after: only from this anchor's entry on; None: everything.
    """
    loose, inserted = conn.execute(_LOOSE).fetchone() or (0, None)
    checked, wanted = 0, {anchor.seq: anchor for anchor in anchors}
    problem = next((text for text in (_wrong_seal(keys, each) for each in anchors) if text), None)
    # The anchored entry itself is read again: what came before it may be gone together with it.
    seq, head = (after.seq - 1, None) if after else (0, FIRST_HASH)
    for entry in () if problem else _chain(conn, seq):
        problem = _wrong(keys, entry, seq + 1, head) or _off(wanted.get(seq + 1), entry)
        if problem or entry.seq is None or entry.entry_hash is None:
            break
        seq, head, checked = entry.seq, entry.entry_hash, checked + 1
    if problem is None and max(wanted, default=0) > seq:
        problem = f"entries {seq + 1} to {max(wanted)} are cut off: an anchor names the latter"
    if problem is None and inserted is not None:
        problem = f"the row with id {inserted} is in no chain: it was not written by the system"
    return Verdict(checked, loose, len(anchors), problem)


def newest(
    conn: Connection, limit: int, *, action: str | None = None, actor_id: UUID | None = None
) -> list[Entry]:
    """The newest entries, the last first."""
    with conn.cursor(row_factory=class_row(Entry)) as cursor:
        wanted = {"limit": limit, "action": action, "actor_id": actor_id}
        return cursor.execute(_NEWEST, wanted).fetchall()


def anchor(conn: Connection, keys: SymmetricKeys, path: Path, now: datetime) -> Anchor | None:
    """Add the chain's present end to the anchor file, and to the log; None where there is no entry yet."""
    row = conn.execute(_LAST).fetchone()
    if row is None:
        return None
    key = keys.active
    bare = Anchor(
        seq=row[0], entry_hash=row[1].hex(), anchored_at=now.astimezone(UTC), key_id=key.kid
    )
    made = msgspec.structs.replace(bare, seal=_seal(key, bare))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    private_files.append(path, msgspec.json.encode(made))
    log.get("audit").info("anchor", seq=made.seq, entry_hash=made.entry_hash, seal=made.seal)
    return made


def read_anchors(path: Path) -> list[Anchor]:
    """The anchors of a file, oldest first; none where the file is missing.

    Raises:
        msgspec.DecodeError: a line is no anchor.
        ConfigurationError: others can read the file.
    """
    if not path.exists():
        return []
    lines = private_files.read(path).splitlines()
    return [msgspec.json.decode(line, type=Anchor) for line in lines if line.strip()]


def reseal(
    conn: Connection, keys: SymmetricKeys, path: Path, now: datetime, reason: str
) -> tuple[Anchor | None, Path | None]:
    """After a restore from a backup: tell in the log which entries it lost, and begin a new anchor file.

    The old file is kept beside it. Gives the new anchor, and where the old file went.
    """
    lost = read_anchors(path)
    details: dict[str, Detail] = {"reason": reason}
    if lost:
        details |= {"last_anchor": lost[-1].seq, "last_anchor_hash": lost[-1].entry_hash}
    append(conn, keys, Event.AUDIT_RESEALED, now, details=details)
    kept = path.with_name(f"{path.name}.until-{now:%Y%m%dT%H%M%SZ}") if lost else None
    if kept is not None:
        path.replace(kept)
    return anchor(conn, keys, path, now), kept


def network(address: str | None) -> str | None:
    """The network that an address lies in: enough to see where from, too little to name a household.

    None where `address` is none.
    """
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    bits = 24 if parsed.version == 4 else 48  # noqa: PLR2004  the Internet Protocol's version
    return str(ipaddress.ip_network((parsed, bits), strict=False))


def _head(conn: Connection) -> tuple[int, bytes]:
    """The number and the hash of the last entry; from here on nobody else appends until this transaction ends."""
    seq, entry_hash = conn.execute(_HEAD).fetchone() or (None, None)
    return (0, FIRST_HASH) if seq is None else (seq, entry_hash)


def _chain(conn: Connection, after: int) -> Iterator[Entry]:
    """The entries in order, a few thousand in memory at a time."""
    with conn.cursor("audit_chain", row_factory=class_row(Entry)) as cursor:
        cursor.itersize = _FETCH
        cursor.execute(_CHAIN, {"after": after})
        yield from cursor


def _wrong(keys: SymmetricKeys, entry: Entry, expected: int, prev_hash: bytes | None) -> str | None:
    """What is wrong with an entry that should be number `expected` after the one of that hash; None: not looked at."""
    name = f"entry {entry.seq} (id {entry.id}, {entry.action!r})"
    if entry.seq is None or entry.key_id is None or entry.seq < expected:
        return f"{name} stands where entry {expected} belongs: it was inserted or moved"
    if entry.seq > expected:
        return f"entry {expected} is missing: {name} follows entry {expected - 1}"
    try:
        key = keys.find(entry.key_id)
    except UnknownKey:
        return f"{name} names a key that we do not have: it was inserted, or the key is lost"
    if entry.entry_hash != _hash(key, entry.prev_hash or b"", _values(entry)):
        return f"{name} was altered or inserted: its hash is not that of its content"
    if prev_hash is not None and entry.prev_hash != prev_hash:
        return f"{name} does not follow entry {expected - 1}: one of them was moved or replaced"
    return None


def _off(wanted: Anchor | None, entry: Entry) -> str | None:
    if wanted is None or entry.entry_hash == bytes.fromhex(wanted.entry_hash):
        return None
    return f"entry {entry.seq} (id {entry.id}) is not the one that was anchored on {wanted.anchored_at:%Y-%m-%d %H:%M}"


def _wrong_seal(keys: SymmetricKeys, found: Anchor) -> str | None:
    try:
        good = hmac.compare_digest(_seal(keys.find(found.key_id), found), found.seal)
    except UnknownKey:
        good = False
    return None if good else f"the anchor of entry {found.seq} was altered: its seal is wrong"


def _values(entry: Entry) -> dict[str, Any]:
    return {
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


def _hash(key: SymmetricKey, prev_hash: bytes, values: Mapping[str, Any]) -> bytes:
    """HMAC over the hash before and the canonical JSON of the entry."""
    content = msgspec.json.encode(values, order="deterministic")
    return hmac.digest(key.secret, prev_hash + content, hashlib.sha256)


def _seal(key: SymmetricKey, bare: Anchor) -> str:
    content = msgspec.json.encode(msgspec.structs.replace(bare, seal=""), order="deterministic")
    return hmac.digest(key.secret, b"anchor" + content, hashlib.sha256).hex()


def _details(details: Mapping[str, Detail]) -> dict[str, Detail]:
    """At most 20 of them, each short, masked and printable."""
    kept = list(details.items())[:_MOST_DETAILS]
    return {log.printable(name)[:_LONGEST]: _detail(name, value) for name, value in kept}


def _detail(name: str, value: Detail) -> Detail:
    if isinstance(value, bool) or value is None:
        return value
    if log.is_secret_name(name):
        return log.MASK
    return value if isinstance(value, int) else _text(str(value))


def _text(text: str | None) -> str | None:
    """`text` on one line, without secrets and without full addresses."""
    if text is None:
        return None
    masked = _CHAIN_ADDRESS.sub(r"\1…\2", _EMAIL.sub(r"\1***@\2", log.redact_text(text)))
    return log.printable(masked[:_LONGEST])
