"""Verifies the audit log: finds entries that were altered, inserted, moved or removed, and an end that was cut off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection

from coinsphere.audit import chain
from coinsphere.audit.anchoring import Anchor
from coinsphere.audit.chain import FIRST_HASH, Entry
from coinsphere.errors import UnknownKey
from coinsphere.security.symmetric_keys import SymmetricKeys

_KEEP = """
    insert into app.audit_verdict (verified_at, problem) values (%(now)s, %(problem)s)
    on conflict (only_row) do update set verified_at = excluded.verified_at, problem = excluded.problem
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a verification.

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


def verify(
    conn: Connection,
    keys: SymmetricKeys,
    anchors: Sequence[Anchor],
    *,
    after: Anchor | None = None,
) -> Verdict:
    """Check the chain and the anchors, and name the first fault.

    Args:
        conn: in a transaction, so that the chain stands still.
        keys: every key that sealed an entry.
        anchors: as read from the anchor file.
        after: only from this anchor's entry on; None: everything.
    """
    loose, inserted = chain.loose(conn)
    checked, problem = 0, _wrong_seal(keys, anchors)
    if problem is None:
        checked, problem = _check_entries(conn, keys, anchors, after)
    if problem is None and inserted is not None:
        problem = f"the row with id {inserted} is in no chain: it was not written by the system"
    return Verdict(checked, loose, len(anchors), problem)


def keep(conn: Connection, verdict: Verdict, now: datetime) -> None:
    """Store the verdict, which `last_problem` tells until the next."""
    conn.execute(_KEEP, {"now": now, "problem": verdict.problem})


def last_problem(conn: Connection) -> str | None:
    """What the last verification found wrong; reads no entry of the log."""
    row = conn.execute("select problem from app.audit_verdict").fetchone()
    return row[0] if row else None


def _check_entries(
    conn: Connection, keys: SymmetricKeys, anchors: Sequence[Anchor], after: Anchor | None
) -> tuple[int, str | None]:
    """How many entries are good, and what is wrong with the one that follows them, if anything is."""
    anchored = {anchor.seq: anchor for anchor in anchors}
    checked = 0
    # The anchored entry itself is read again: what came before it may be gone together with it.
    seq, entry_hash = (after.seq - 1, None) if after else (0, FIRST_HASH)
    for entry in chain.entries(conn, after=seq):
        problem = _wrong(keys, entry, seq + 1, entry_hash)
        problem = problem or _differs(anchored.get(seq + 1), entry)
        if problem:
            return checked, problem
        seq, entry_hash, checked = seq + 1, entry.entry_hash, checked + 1
    last = max(anchored, default=0)
    if last > seq:
        return checked, f"entries {seq + 1} to {last} are cut off: an anchor names the latter"
    return checked, None


def _wrong_seal(keys: SymmetricKeys, anchors: Sequence[Anchor]) -> str | None:
    for anchor in anchors:
        if not anchor.has_good_seal(keys):
            return f"the anchor of entry {anchor.seq} was altered: its seal is wrong"
    return None


def _wrong(keys: SymmetricKeys, entry: Entry, expected: int, prev_hash: bytes | None) -> str | None:
    """What is wrong with an entry that should be number `expected`, after one whose hash is `prev_hash`.

    `prev_hash` None: what the entry says of the one before is not checked.
    """
    name = f"entry {entry.seq} (id {entry.id}, {entry.action!r})"
    if entry.seq is None or entry.key_id is None or entry.seq < expected:
        return f"{name} stands where entry {expected} belongs: it was inserted or moved"
    if entry.seq > expected:
        return f"entry {expected} is missing: {name} follows entry {expected - 1}"
    try:
        key = keys.find(entry.key_id)
    except UnknownKey:
        return f"{name} names a key that we do not have: it was inserted, or the key is lost"
    if entry.entry_hash != chain.hash_of(key, entry):
        return f"{name} was altered or inserted: its hash is not that of its content"
    if prev_hash is not None and entry.prev_hash != prev_hash:
        return f"{name} does not follow entry {expected - 1}: one of them was moved or replaced"
    return None


def _differs(anchor: Anchor | None, entry: Entry) -> str | None:
    """What is wrong where an anchor names an entry of that number."""
    if anchor is None or entry.entry_hash == bytes.fromhex(anchor.entry_hash):
        return None
    return f"entry {entry.seq} (id {entry.id}) is not the one that was anchored on {anchor.anchored_at:%Y-%m-%d %H:%M}"
