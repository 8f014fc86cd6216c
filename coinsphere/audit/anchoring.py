"""Anchors of the audit log: the number and hash of its last entry, written to a file outside the database and sealed by a key.

A chain cannot show that its end was cut off. An anchor names an entry that must still be there.
"""

import hashlib
import hmac
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from psycopg import Connection

from coinsphere import log
from coinsphere.audit import chain
from coinsphere.audit.events import Event
from coinsphere.audit.masking import Detail
from coinsphere.errors import UnknownKey
from coinsphere.security import private_files
from coinsphere.security.symmetric_keys import SymmetricKey, SymmetricKeys


class Anchor(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The number and the hash of the chain's last entry at some time, sealed by the key that it names."""

    seq: int
    entry_hash: str
    anchored_at: datetime
    key_id: str
    seal: str = ""

    def has_good_seal(self, keys: SymmetricKeys) -> bool:
        """Whether one of `keys` sealed the anchor as it stands."""
        try:
            key = keys.find(self.key_id)
        except UnknownKey:
            return False
        return hmac.compare_digest(_seal(key, self), self.seal)


def anchor(conn: Connection, keys: SymmetricKeys, path: Path, now: datetime) -> Anchor | None:
    """Write the chain's present end to the anchor file and to the process's log. Returns None where there is no entry yet."""
    end = chain.end(conn)
    if end is None:
        return None
    seq, entry_hash = end
    key = keys.active
    unsealed = Anchor(
        seq=seq, entry_hash=entry_hash.hex(), anchored_at=now.astimezone(UTC), key_id=key.kid
    )
    sealed = msgspec.structs.replace(unsealed, seal=_seal(key, unsealed))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    private_files.append(path, msgspec.json.encode(sealed))
    log.get("audit").info("anchor", seq=sealed.seq, entry_hash=sealed.entry_hash, seal=sealed.seal)
    return sealed


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
    """After a restore from a backup: write to the log which entries it lost, and begin a new anchor file.

    The old file is kept beside it. Gives the new anchor, and where the old file went.
    """
    lost = read_anchors(path)
    details: dict[str, Detail] = {"reason": reason}
    if lost:
        details |= {"last_anchor": lost[-1].seq, "last_anchor_hash": lost[-1].entry_hash}
    chain.append(conn, keys, Event.AUDIT_RESEALED, now, details=details)
    old_file = path.with_name(f"{path.name}.until-{now:%Y%m%dT%H%M%SZ}") if lost else None
    if old_file is not None:
        path.replace(old_file)
    return anchor(conn, keys, path, now), old_file


def _seal(key: SymmetricKey, anchor: Anchor) -> str:
    """HMAC-SHA256 over the anchor without its seal, as hexadecimal digits."""
    content = msgspec.json.encode(msgspec.structs.replace(anchor, seal=""), order="deterministic")
    return hmac.digest(key.secret, b"anchor" + content, hashlib.sha256).hex()
