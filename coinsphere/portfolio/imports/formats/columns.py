"""The columns of formats: the meaning of each, and the names by which files call it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Literal, NamedTuple

from coinsphere.portfolio.imports.formats import title_units
from coinsphere.portfolio.imports.formats.timestamps import NoMoment, zone_of

Role = Literal["text", "number", "moment", "unread"]


@dataclass(frozen=True, slots=True)
class Column:
    """A known column.

    `name` is what readers call it, `also` are expressions of other headers that mean the same, a group `unit` of which
    names the currency of the cells; with a group `each`, which names an asset, there may be such a column for every asset,
    called by `name` and the asset. With `header`, only the column called exactly so is meant. One that is `unread` says
    nothing about what is held: `why`.
    """

    name: str
    role: Role = "text"
    also: tuple[str, ...] = ()
    is_required: bool = False
    header: str | None = None
    why: str = "says nothing about what is held"


class Header(NamedTuple):
    """A parsed header: the place in the file, the title and the unit of each of our columns."""

    places: Mapping[str, int]
    names: Mapping[str, str]
    units: Mapping[str, str]
    zones: Mapping[str, tzinfo]
    local: frozenset[str]
    known: Mapping[int, Column]
    twice: tuple[str, ...]


def all_columns(header: Header, columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns of a format, and those that a file has for each asset."""
    return (*columns, *(each for each in header.known.values() if each not in columns))


def understood(cells: Sequence[str], columns: Sequence[Column]) -> Header | None:
    """A row parsed as a header; None where it lacks a required column."""
    places: dict[str, int] = {}
    names, units, known = dict[str, str](), dict[str, str](), dict[int, Column]()
    zones, local, twice = dict[str, tzinfo](), set[str](), []
    for place, cell in enumerate(cells):
        for column, unit in _meanings(_told_apart(cells, place), columns) or _meanings(
            cell, columns
        ):
            known[place] = column
            if column.role == "unread":
                continue
            if column.name in places:
                twice.append(cell.strip())
            places.setdefault(column.name, place)
            names[column.name] = cell.strip()
            if unit:
                units[column.name] = unit.upper()
            if column.role == "moment":
                _note_zone(column.name, cell, zones, local)
    if any(column.is_required and column.name not in places for column in columns):
        return None
    return Header(places, names, units, zones, frozenset(local), known, tuple(twice))


def _told_apart(cells: Sequence[str], place: int) -> str:
    """A title that stands several times with the last before it that does not: `Buy,Cur.,Sell,Cur.` has a `Buy Cur.`."""
    title = cells[place]
    if cells.count(title) == 1:
        return title
    before = next((each for each in reversed(cells[:place]) if cells.count(each) == 1), "")
    return f"{before} {title}"


def _meanings(cell: str, columns: Sequence[Column]) -> list[tuple[Column, str | None]]:
    """What a header stands for: of a mapping perhaps several things. Raises `UnreadableFile`, see `title_units`."""
    chosen = [
        column
        for column in columns
        if column.header is not None and column.header.strip() == cell.strip()
    ]
    if chosen:
        return [(column, _unit(column, cell)) for column in chosen]
    name = _plain(cell)
    own = [column for column in columns if column.header is None]
    return _meant(name, own) or _meant(
        _ZONE.sub("", name).strip(), [column for column in own if column.role == "moment"]
    )


def _unit(column: Column, title: str) -> str | None:
    """What the title of a mapped column counts in. Raises `UnreadableFile`, see `title_units`."""
    if column.name == "price":
        title_units.require_each(title)
    return title_units.unit(title) if column.role == "number" else None


def _meant(name: str, columns: Sequence[Column]) -> list[tuple[Column, str | None]]:
    for column in columns:
        if name == _plain(column.name):
            return [(column, None)]
    for column in columns:
        for form in column.also:
            match = re.fullmatch(form, name, re.IGNORECASE)
            if match:
                parts = match.groupdict()
                each = parts.get("each")
                own = (
                    column
                    if each is None
                    else replace(column, name=f"{column.name} {each.upper()}")
                )
                return [(own, parts.get("unit"))]
    return []


def _plain(name: str) -> str:
    return " ".join(name.replace("\ufeff", "").split()).lower()


_ZONE = re.compile(
    r"[(\[_ ]\s*(utc|gmt|local|[A-Z]{3,4}|(?:utc|gmt)\s*[+-][0-9:]+|[A-Z]\w+(?:/[\w+-]+){1,2})\s*[)\]]?$",
    re.IGNORECASE,
)


_LOCAL = re.compile(r"(?<![a-z])local|ortszeit|lokalzeit|[)\]]$", re.IGNORECASE)
"""A clock that the header does not name, or a remark that may name it in words: `Date (Pacific Time)`."""
_PATTERN = re.compile(r"[(\[](?:[ymdhsaput]|[-/.:, ])+[)\]]$", re.IGNORECASE)
"""`(dd/mm/yyyy hh:mm)` is how times are written."""


def _note_zone(name: str, cell: str, zones: dict[str, tzinfo], local: set[str]) -> None:
    """`UTC_Time`, `Date(UTC)`, `Time (UTC+8)`: the zone of a column by its header; `(local)` names none."""
    title = cell.strip()
    match = _ZONE.search(title)
    try:
        zones[name] = zone_of(match[1] if match else "")
    except NoMoment:
        if _LOCAL.search(title) and not _PATTERN.search(title):
            local.add(name)
