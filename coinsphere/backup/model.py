"""The parts of a backup, as its manifest describes them."""

import re
from datetime import datetime
from typing import Literal

import msgspec

MANIFEST = "manifest.json"
BASES = "base"
WAL = "wal"
FILES = "files"
KEYS = "keys"
SEGMENT = re.compile(r"[0-9A-F]{24}")
"""Name of a segment of write-ahead log: time line, and number in two parts, each of eight hexadecimal digits."""

Kind = Literal["full", "incremental"]


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A sealed file of a backup: its name, its size in bytes and its SHA-256, as it lies in a place."""

    name: str
    size: int
    sha256: str


class Backup(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One base backup.

    `parent` is the one an incremental backup builds on; `first_segment` the log it needs first, `role` one that the
    server knows.
    """

    id: str
    kind: Kind
    parent: str | None
    started_at: datetime
    finished_at: datetime
    start_lsn: str
    first_segment: str
    server_version: str
    role: str
    parts: tuple[Part, ...]

    @property
    def size(self) -> int:
        """Bytes of all its parts."""
        return sum(part.size for part in self.parts)

    def path(self, name: str) -> str:
        """Where the file of that name lies in a place."""
        return f"{BASES}/{self.id}/{name}"


def encode(backup: Backup) -> bytes:
    """The manifest, as JSON."""
    return msgspec.json.format(msgspec.json.encode(backup))


def decode(data: bytes) -> Backup:
    """A backup from its manifest. Raises `msgspec.MsgspecError`: it is none."""
    return msgspec.json.decode(data, type=Backup)


def following(segment: str) -> str:
    """The name of the segment behind `segment`, of 16 MiB each."""
    timeline, high, low = (int(segment[at : at + 8], 16) for at in (0, 8, 16))
    number = (high << 8) + low + 1
    return f"{timeline:08X}{number >> 8:08X}{number & 0xFF:08X}"
