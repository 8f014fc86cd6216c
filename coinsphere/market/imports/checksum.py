"""The checksum that an archive publishes beside a file (`BTCUSDT-1d-2024-01.zip.CHECKSUM`, as sha256sum writes it)."""

import hashlib
import re
from pathlib import Path

from coinsphere.errors import ImportRefused

_SUFFIXES = (".checksum", ".sha256", ".sha512", ".sha1", ".md5")
_BY_LENGTH = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
_LINE = re.compile(r"\\?([0-9A-Fa-f]{32,128})(?:\s+\*?(.+))?")
_LARGEST = 64 * 1024


def is_checksum(path: Path) -> bool:
    """Whether a file holds the checksum of another one beside it."""
    return path.suffix.lower() in _SUFFIXES


def require(path: Path) -> None:
    """Raise unless `path` has the checksum that the files beside it give.

    Raises:
        ImportRefused: it is not, or a checksum cannot be read.
        OSError: one of the files cannot be read.
    """
    if not path.is_file():
        return
    for beside in sorted(path.parent.iterdir()):
        if is_checksum(beside) and beside.stem == path.name and beside.is_file():
            _compare(path, beside)


def _compare(path: Path, beside: Path) -> None:
    expected = _told(path, beside)
    with path.open("rb") as content:
        actual = hashlib.file_digest(content, _BY_LENGTH[len(expected)]).hexdigest()
    if actual != expected:
        raise ImportRefused(
            f"{path.name}: is not what {beside.name} says: its {_BY_LENGTH[len(expected)]} is {actual}, not {expected}; "
            "download it again"
        )


def _told(path: Path, beside: Path) -> str:
    """The checksum of `path`: the line that names it, or the only one."""
    with beside.open(encoding="utf-8-sig", errors="replace") as text:
        lines = [line.strip() for line in text.read(_LARGEST).splitlines() if line.strip()]
    matches = [match for line in lines if (match := _LINE.fullmatch(line))]
    named = [
        match for match in matches if match[2] is not None and Path(match[2]).name == path.name
    ]
    chosen = named or [match for match in matches if match[2] is None]
    if len(chosen) != 1 or len(chosen[0][1]) not in _BY_LENGTH:
        raise ImportRefused(f"{path.name}: {beside.name} beside it holds no checksum of it")
    return chosen[0][1].lower()
