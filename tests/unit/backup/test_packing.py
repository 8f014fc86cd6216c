"""A segment that grows is packed as a whole, and compressed only where it changed."""

import gzip
import os
from pathlib import Path

from coinsphere.backup.packing import Packer

PART = 1 << 18


def test_what_has_not_changed_is_not_compressed_again(tmp_path: Path) -> None:
    packer, source, packed = Packer(), tmp_path / "segment", tmp_path / "packed"

    def pack(whole: bytes) -> int:
        source.write_bytes(whole)
        compressed = packer.pack(source, packed)
        with gzip.open(packed) as opened:
            assert opened.read() == whole
        return compressed

    first, second = os.urandom(PART), os.urandom(PART // 2)
    assert pack(first + bytes(3 * PART)) == 2  # the zeros once
    assert pack(first + second + bytes(5 * PART // 2)) == 1
    assert pack(first + second + bytes(5 * PART // 2)) == 0
    assert pack(os.urandom(PART) + bytes(3 * PART)) == 1
    assert pack(b"") == 0
    assert pack(b"a history, of a few bytes") == 1
