"""Reading a whole file of transactions: rows, their groups, what is wrong with each, and a name for each transaction.

A transaction that its file does not name is named by what it says and by how many equal ones came before it in the
file. So the same file again brings nothing new, and two equal rows of one file stay two.
"""

import csv
import hashlib
import io
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from functools import partial
from operator import attrgetter
from typing import NamedTuple

from coinsphere import untrusted_json
from coinsphere.decimals import plain
from coinsphere.portfolio.errors import UnreadableFile
from coinsphere.portfolio.formats import exchanges, readers
from coinsphere.portfolio.formats.row import Cells, Nothing, Parsed, Problem, WrongCell

FORMATS = ("coinsphere", "coinbase", "kraken", "binance", "koinly", "generic")
MOST_ROWS = 500_000

_texts = partial(
    json.loads, parse_float=str, parse_int=str, object_pairs_hook=untrusted_json.unique
)
"""Numbers stay as they are written: a float has too few digits."""


class _Line(NamedTuple):
    number: int
    cells: Cells


@dataclass(frozen=True, slots=True)
class _Format:
    columns: tuple[str, ...]
    read: Callable[[Sequence[Cells]], list[Parsed]]
    groups: Callable[[Sequence[Cells]], list[list[int]]] | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds: transactions with the line of each, and what is wrong with other lines."""

    rows: int
    parsed: list[tuple[int, Parsed]]
    problems: list[Problem]


def _single(read: Callable[[Cells], list[Parsed]]) -> Callable[[Sequence[Cells]], list[Parsed]]:
    return lambda rows: read(rows[0])


_KNOWN = {
    "coinsphere": _Format(("date", "type", "token", "amount"), _single(readers.own)),
    "coinbase": _Format(
        ("Timestamp", "Transaction Type", "Asset", "Quantity Transacted"),
        _single(exchanges.coinbase),
    ),
    "kraken": _Format(
        ("txid", "refid", "time", "type", "asset", "amount"),
        exchanges.kraken,
        exchanges.kraken_groups,
    ),
    "binance": _Format(
        ("UTC_Time", "Account", "Operation", "Coin", "Change"),
        exchanges.binance,
        exchanges.binance_groups,
    ),
    "koinly": _Format(
        ("Date", "Sent Amount", "Sent Currency", "Received Amount", "Received Currency"),
        _single(readers.koinly),
    ),
}


def read(content: str, form: str, mapping: Mapping[str, str] | None = None) -> Content:
    """Read a file.

    Args:
        content: its text.
        form: one of `FORMATS`.
        mapping: of the generic format: our columns to those of the file.

    Raises:
        UnreadableFile: it has no header with the columns of the format, or too many rows.
    """
    layout = _layout(form, mapping)
    is_json = form == "coinsphere" and content.lstrip("\ufeff \r\n\t").startswith("{")
    lines = list(_objects(content) if is_json else _lines(content, layout.columns))
    problems: list[Problem] = []
    parsed: list[tuple[int, Parsed]] = []
    for group in _groups(lines, layout):
        try:
            made = layout.read([line.cells for line in group])
        except Nothing:
            continue
        except WrongCell as error:
            problems.append(Problem(group[0].number, error.column, error.reason))
        else:
            parsed += [(group[0].number, each) for each in made]
    return Content(len(lines), _named(parsed, form), sorted(problems, key=lambda each: each.line))


def _layout(form: str, mapping: Mapping[str, str] | None) -> _Format:
    if form != "generic":
        return _KNOWN[form]
    if not mapping or not {"date", "token", "amount"} <= mapping.keys():
        raise UnreadableFile("a generic file needs a mapping of date, token and amount at least")
    unknown = sorted(mapping.keys() - set(readers.OWN_COLUMNS))
    if unknown:
        raise UnreadableFile(f"the mapping names columns that we do not have: {', '.join(unknown)}")
    return _Format(tuple(mapping.values()), _single(readers.generic(mapping)))


def _lines(content: str, columns: Sequence[str]) -> Iterator[_Line]:
    """The rows below the header; some exports have lines of prose above it."""
    rows = csv.reader(io.StringIO(content.removeprefix("\ufeff"), newline=""))
    try:
        header: list[str] | None = None
        for row in rows:
            cells = [cell.strip() for cell in row]
            if header is None:
                header = cells if set(columns) <= set(cells) else None
                continue
            if any(cells):
                yield _Line(
                    rows.line_num,
                    dict(itertools.zip_longest(header, row[: len(header)], fillvalue="")),
                )
            if rows.line_num > MOST_ROWS:
                raise UnreadableFile(f"has more than {MOST_ROWS:,} lines: split it")
    except csv.Error as error:
        raise UnreadableFile(f"line {rows.line_num} is no CSV: {error}") from None
    if header is None:
        raise UnreadableFile(f"has no header with the columns {', '.join(columns)}")


def _objects(content: str) -> Iterator[_Line]:
    """The transactions of our JSON export, as cells of its CSV; the number of each takes the place of a line's."""
    try:
        told = untrusted_json.decode(content.removeprefix("\ufeff"), _texts)
    except ValueError as error:
        raise UnreadableFile(f"is no JSON: {error}") from None
    listed = told.get("transactions")
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise UnreadableFile("has no list of transactions")
    if len(listed) > MOST_ROWS:
        raise UnreadableFile(f"has more than {MOST_ROWS:,} transactions: split it")
    for number, each in enumerate(listed, 1):
        yield _Line(number, {column: _cell(each.get(column)) for column in readers.OWN_COLUMNS})


def _cell(value: object) -> str:
    return "" if value is None else readers.guarded(str(value))


def _groups(lines: Sequence[_Line], layout: _Format) -> list[list[_Line]]:
    """Rows that belong together, in the order of the first of each."""
    if layout.groups is None:
        return [[line] for line in lines]
    places = layout.groups([line.cells for line in lines])
    return [[lines[place] for place in group] for group in places]


def _named(parsed: list[tuple[int, Parsed]], form: str) -> list[tuple[int, Parsed]]:
    seen: Counter[str] = Counter()
    named = []
    for line, each in parsed:
        if each.external_id is None:
            says = _digest(each)
            seen[says] += 1
            name = f"{form}:{says}:{seen[says]}"
        else:
            name = each.external_id if form == "coinsphere" else f"{form}:{each.external_id}"
        named.append((line, replace(each, external_id=name[:200])))
    return named


_SAYS = attrgetter(*(field.name for field in fields(Parsed)))


def _digest(parsed: Parsed) -> str:
    """By what it says, not by how the file writes it: `1.50` and `1.5` are the same."""
    parts = [plain(part) if isinstance(part, Decimal) else str(part) for part in _SAYS(parsed)]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
