"""Opens the text of a candle file, whether plain or the single file in a zip archive."""

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, TextIO

from coinsphere.errors import ImportRefused
from coinsphere.market.imports import file_name
from coinsphere.market.imports.row_labels import SAME
from coinsphere.parsing import text_encoding

_LARGEST_UNPACKED = 2 * 1024**3
_MOST_PACKED = 200
"""Candles shrink to a fifth or so; what shrinks to a two-hundredth is no candle file but a trap."""
_SURELY_HARMLESS = 10 * 1024**2
_GENERAL = re.compile(r"(?:data|ohlcv?|k?lines|candles?|prices?|history|export|sheet\d*)(?![a-z])", re.IGNORECASE)  # fmt: skip
"""How a file's name begins that names no token."""


@contextmanager
def text(path: Path, symbol: str | None = None) -> Iterator[TextIO]:
    """The text of a file, closed at the end.

    Args:
        path: of the file.
        symbol: the token that is meant; None where it is only known from the name.

    Raises:
        ImportRefused: an archive holds not one candle file, another token's, or cannot be opened.
        OSError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError: it cannot be read, or is broken.
    """
    if path.suffix.lower() != ".zip":
        with path.open("rb") as content:
            yield _decoded(content)
        return
    with zipfile.ZipFile(path) as archive:
        member = _only_member(path, archive)
        _require_same_token(path, Path(member.filename), symbol)
        with _opened(path, archive, member) as content:
            yield _decoded(content)


def _decoded(content: IO[bytes]) -> TextIO:
    start = content.peek(2)  # type: ignore[attr-defined]  # both readers have it, IO does not tell
    return TextIOWrapper(content, encoding=text_encoding.encoding_of(start), newline="")


def _opened(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> IO[bytes]:
    try:
        return archive.open(member)
    except RuntimeError as error:
        # What zipfile raises for a password and for a compression that it does not know.
        raise ImportRefused(f"{path.name}: the zip archive cannot be opened ({error})") from error


def _only_member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The one candle file in an archive; zipfile never unpacks more of it than the size that stands here."""
    members = [
        member
        for member in archive.infolist()
        if member.filename.lower().endswith(".csv") and not member.filename.startswith("__MACOSX/")
    ]
    if len(members) != 1:
        raise ImportRefused(f"{path.name}: must hold exactly one .csv file, holds {len(members)}")
    size, packed = members[0].file_size, members[0].compress_size
    if size > max(_SURELY_HARMLESS, min(_LARGEST_UNPACKED, _MOST_PACKED * packed)):
        raise ImportRefused(
            f"{path.name}: {packed:,} bytes would unpack to {size:,}, which no candle file does"
        )
    return members[0]


def _require_same_token(path: Path, member: Path, symbol: str | None) -> None:
    """See that the name of what is packed speaks of no other token, currency or contract than the archive's.

    Words in small letters and general ones (`candles.csv`, `data.csv`) name no token.
    """
    names = {SAME.get(name, name) for name in file_name.symbols(member)}
    is_same = not {symbol, *file_name.symbols(path)}.isdisjoint(names)
    is_word = len(names) == 1 and not re.match(r"[A-Z]{2}", member.name)
    if not is_same and not is_word and not _GENERAL.match(member.name):
        raise ImportRefused(
            f"{path.name}: holds {file_name.shown(member)[:60]!r}, which is of another token by its name; rename one of both"
        )
    if is_same:
        file_name.require_spot_in_dollars(member, symbol)
