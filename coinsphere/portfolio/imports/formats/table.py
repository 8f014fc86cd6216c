"""Reads a text as a table: finds its delimiter, its header, and the line of each row."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from coinsphere.portfolio.errors import UnreadableFile
from coinsphere.portfolio.imports.formats.columns import Column, Header, understood

MOST_ROWS = 500_000
DELIMITERS = (",", ";", "\t", "|")
_MOST_PREAMBLE = 200
"""Lines among which a header is looked for."""


class Line(NamedTuple):
    """A row's cells, by the number of the line on which it begins."""

    number: int
    cells: list[str]


class Table(NamedTuple):
    """A table: `cut` is the last line where the file ends within it."""

    delimiter: str
    header: Header
    titles: list[str]
    lines: list[Line]
    cut: Line | None
    zone: str | None = None
    """The zone of its times that the lines above the header name."""


_ZONE = re.compile(r"time ?zone:\s*((?:utc|gmt)[+-]?[0-9:]*)", re.IGNORECASE)
"""`UID:1,Account Type:Main,Time Zone:UTC+8`, as OKX writes above its header."""
_BINARY = {
    "PK\x03\x04": "is a workbook or a zip archive, not text: save the sheet as CSV",
    "%PDF": "is a PDF, not a table: export it as CSV",
    "\x1f\x8b": "is compressed: unpack it first",
    "\u00d0\u00cf\x11\u00e0": "is a workbook of an old Excel, not text: save the sheet as CSV",
    "<": "is a page or XML, not CSV",
}


def require_text(text: str) -> None:
    """Raise `UnreadableFile`, which says what it is instead, unless a file is text that can hold a table."""
    start = text[:64].lstrip("\ufeff \r\n\t")
    for magic, reason in _BINARY.items():
        if start.startswith(magic):
            raise UnreadableFile(reason)
    if text.count("\0", 0, 1000) > len(text[:1000]) // 4:
        raise UnreadableFile(
            "holds zero bytes, as text in UTF-16 does that was read as another: save it as UTF-8"
        )


def table(text: str, columns: Sequence[Column]) -> Table:
    """Read a table; some exports have lines of prose above its header.

    Raises:
        UnreadableFile: it has no header with the columns that are required, is no CSV, or has too many rows.
    """
    require_text(text)
    body = text.removeprefix("\ufeff")
    offset, number, delimiter, header, titles = _header(body, columns)
    lines, cut = _rows(body[offset:], number, delimiter, titles)
    match = _ZONE.search(body[:offset])
    return Table(delimiter, header, titles, lines, cut, match[1] if match else None)


def header_of(text: str, columns: Sequence[Column]) -> Header:
    """The header alone. Raises `UnreadableFile` where there is none with the columns that are required."""
    return _header(text.removeprefix("\ufeff"), columns)[3]


def _header(body: str, columns: Sequence[Column]) -> tuple[int, int, str, Header, list[str]]:
    """The index of the first row, the header's line, the delimiter, and the parsed header."""
    offset = 0
    for number, line in enumerate(io.StringIO(body, newline=""), 1):
        offset += len(line)
        for delimiter in DELIMITERS:
            cells = [
                _seen(cell).strip()
                for cell in next(csv.reader([line.strip("\r\n")], delimiter=delimiter), [])
            ]
            header = understood(cells, columns)
            if header is not None:
                if header.twice:
                    raise UnreadableFile(
                        f"has the column {header.twice[0]!r} twice, or two that mean the same"
                    )
                return offset, number, delimiter, header, cells
        if number >= _MOST_PREAMBLE:
            break
    wanted = ", ".join(column.header or column.name for column in columns if column.is_required)
    raise UnreadableFile(f"has no header with the columns {wanted}")


def _rows(
    body: str, after: int, delimiter: str, titles: Sequence[str]
) -> tuple[list[Line], Line | None]:
    lines = list(_parsed(body, after, delimiter))
    is_cut = bool(lines) and not body.endswith(("\n", "\r")) and len(lines[-1].cells) < len(titles)
    return lines, lines.pop() if is_cut else None


_UNSEEN = (
    "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff \t\u00a0"
)
"""Marks of writing directions and of no width, which spreadsheets and web pages leave around what is copied."""


def _seen(cell: str) -> str:
    return cell if cell.isascii() else cell.strip(_UNSEEN)


def _parsed(body: str, after: int, delimiter: str) -> Iterator[Line]:
    rows = csv.reader(io.StringIO(body, newline=""), delimiter=delimiter, strict=True)
    begins = after + 1
    count = 0
    try:
        for cells in rows:
            if any(cell.strip() for cell in cells):
                count += 1
                yield Line(begins, list(map(_seen, cells)))
            begins = after + rows.line_num + 1
            if count > MOST_ROWS:
                raise UnreadableFile(f"has more than {MOST_ROWS:,} lines: split it")
    except csv.Error as error:
        raise UnreadableFile(f"line {begins} is no CSV: {error}") from None
