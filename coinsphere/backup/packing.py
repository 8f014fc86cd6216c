"""Packs a segment of the log, again and again while it grows, and compresses only what has changed since.

The newest segment is stored every few seconds as it is then: 16 MiB, of which the front stays as it was and the back is zeros.
A file of gzip may have many members, which whoever opens it reads as one (RFC 1952, 2.2).
"""

import gzip
import hashlib
from pathlib import Path

_PART_BYTES = 1 << 18
_LEVEL = 1


class Packer:
    """Packs segments as files of gzip, a member for each 256 KiB; it remembers the members of the last one."""

    def __init__(self) -> None:
        self._members: dict[bytes, bytes] = {}

    def pack(self, source: Path, packed: Path) -> int:
        """Write `source` packed. Returns how many of its parts had to be compressed."""
        members: dict[bytes, bytes] = {}
        compressed = 0
        with source.open("rb") as raw, packed.open("wb") as out:
            while part := raw.read(_PART_BYTES):
                key = hashlib.sha256(part).digest()
                member = members.get(key) or self._members.get(key)
                if member is None:
                    member = gzip.compress(part, _LEVEL)
                    compressed += 1
                members[key] = member
                out.write(member)
        self._members = members
        return compressed
