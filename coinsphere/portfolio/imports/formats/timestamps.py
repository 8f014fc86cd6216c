"""Parses times of a table, in a format that is decided for a column from all of its cells.

`03/04/2026` is a day in March or in April. What decides is another cell of the column (`25/04/2026`), else the person who
imports. Seconds, milliseconds, micro- and nanoseconds since 1970 and a spreadsheet's day numbers are told apart by size.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from coinsphere.portfolio.imports.formats import named_dates


class Order(StrEnum):
    """The order of day, month and year; the last three are numbers instead."""

    YMD = "ymd"
    DMY = "dmy"
    MDY = "mdy"
    NAMED = "named"
    EPOCH = "epoch"
    SERIAL = "serial"


ASKED = (Order.DMY, Order.MDY, Order.YMD)
"""What somebody may answer."""

_CLOCK = re.compile(
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<part>[0-9]{1,9}))?)?"
    r"\s*(?P<half>[AaPp]\.?\s?[Mm]\b\.?)?\s*(?:[Uu]hr\b)?\s*(?P<zone>.*)"
)
_DATE = re.compile(r"([0-9]{1,4})([-/.])([0-9]{1,2})\2([0-9]{1,4})")
_COMPACT = re.compile(
    r"((?:20)[0-9]{2})([0-9]{2})([0-9]{2})(?:T?([0-9]{2})([0-9]{2})([0-9]{2})?)?(Z?)"
)
_EPOCH = re.compile(r"([0-9]{9,19})(?:[.,]([0-9]{1,9}))?")
_UNITS = {10: 0, 13: 3, 16: 6, 19: 9}
_SERIAL = re.compile(r"([0-9]{5})(?:[.,]([0-9]{1,12}))?")
_SERIAL_START = datetime(1899, 12, 30, tzinfo=UTC)
"""Day 0 of spreadsheets: their day 60 is 29 February 1900, which was none."""

_OFFSETS = {
    "": None, "Z": 0, "UTC": 0, "GMT": 0, "UT": 0, "WET": 0, "CET": 60, "WEST": 60, "CEST": 120, "EET": 120, "EEST": 180,
    "MEZ": 60, "MESZ": 120, "MSK": 180, "JST": 540, "KST": 540, "EST": -300, "EDT": -240, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480,
    "PDT": -420, "AEST": 600, "AEDT": 660, "SGT": 480, "HKT": 480,
}  # fmt: skip
"""Minutes east of Greenwich; names that stand for several zones (IST, BST, CST, AST) are not told."""


class NoMoment(ValueError):
    """A cell cannot be read as an instant; says why."""


class Parts(NamedTuple):
    """A date by the orders in which it can be read, each as year, month, day; and what follows it."""

    dates: dict[Order, tuple[int, int, int]]
    rest: str


def orders(cell: str) -> frozenset[Order]:
    """The orders in which a cell can be read; none where it is no date."""
    return frozenset(_parts(cell.strip()).dates)


def _parts(cell: str, language: str | None = None) -> Parts:
    if _EPOCH.fullmatch(cell) and _compact(cell) is None:
        return Parts({} if _epoch(cell) is None else {Order.EPOCH: (0, 0, 0)}, "")
    if _SERIAL.fullmatch(cell):
        is_day = _serial(cell).year in named_dates.YEARS
        return Parts({Order.SERIAL: (0, 0, 0)} if is_day else {}, "")
    compact = _compact(cell)
    if compact is not None:
        return compact
    match = _DATE.match(cell)
    if match:
        return Parts(_numeric(match), cell[match.end() :])
    return _named(cell, language)


def _compact(cell: str) -> Parts | None:
    """20260102, 20260102T030405Z, 202601020304."""
    match = _COMPACT.fullmatch(cell)
    if match is None:
        return None
    year, month, day, hour, minute, second, zone = match.groups()
    date = (int(year), int(month), int(day))
    clock = "" if hour is None else f" {hour}:{minute}:{second or '00'}{zone}"
    return Parts({Order.YMD: date}, clock) if named_dates.is_date(date) else None


def _numeric(match: re.Match[str]) -> dict[Order, tuple[int, int, int]]:
    first, _, second, third = match.groups()
    a, b, c = int(first), int(second), int(third)
    if len(first) == 4:  # noqa: PLR2004 - a year in full
        return _possible({Order.YMD: (a, b, c)}) if len(third) <= 2 else {}  # noqa: PLR2004
    if len(third) not in {2, 4} or len(first) > 2:  # noqa: PLR2004
        return {}
    year = c + 2000 if len(third) == 2 else c  # noqa: PLR2004
    readings = {Order.DMY: (year, b, a), Order.MDY: (year, a, b)}
    if len(first) == len(third) == 2:  # noqa: PLR2004
        readings[Order.YMD] = (a + 2000, b, c)
    return _possible(readings)


def _possible(readings: dict[Order, tuple[int, int, int]]) -> dict[Order, tuple[int, int, int]]:
    return {order: date for order, date in readings.items() if named_dates.is_date(date)}


def _named(cell: str, language: str | None) -> Parts:
    """2 Jan 2026, Jan 2, 2026, Fri, 02 January 2026; in any language where none is given."""
    dates, rest = named_dates.named(cell)
    date_read = next(iter(dates.values()), None) if language is None else dates.get(language)
    return Parts({} if date_read is None else {Order.NAMED: date_read}, rest)


def _epoch(cell: str) -> datetime | None:
    match = _EPOCH.fullmatch(cell)
    if match is None or len(match[1]) not in _UNITS:
        return None
    seconds = Decimal(f"{match[1]}.{match[2] or 0}").scaleb(-_UNITS[len(match[1])])
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(seconds * 1_000_000))


def moment(
    cell: str, order: Order, zone: tzinfo = UTC, language: str = named_dates.ENGLISH
) -> datetime:
    """The instant of a cell, in UTC.

    Args:
        cell: its text.
        order: that of its column.
        zone: of a time that names none.
        language: of months' names, see `named_dates`.

    Raises:
        NoMoment: it is none in that order.
    """
    parts = _parts(cell.strip(), language)
    if order not in parts.dates:
        how = f" in {named_dates.name_of(language)}" if order is Order.NAMED else ""
        raise NoMoment(f"{cell[:40]!r} is no date{_HOW[order]}{how}")
    if order is Order.EPOCH:
        instant = _epoch(cell.strip())
        assert instant is not None
        return instant
    if order is Order.SERIAL:
        return _localised(_serial(cell.strip()), zone, cell)
    clock, own_zone = _clock(parts.rest, cell)
    local = datetime(*parts.dates[order], tzinfo=UTC) + clock
    instant = _localised(local, own_zone or zone, cell)
    _require_one_offset(cell.strip(), local, instant)
    return instant


_HOW = {
    Order.YMD: " of the order year, month, day", Order.DMY: " of the order day, month, year",
    Order.MDY: " of the order month, day, year", Order.NAMED: " with a month's name",
    Order.EPOCH: " in seconds since 1970", Order.SERIAL: " as a spreadsheet's day number",
}  # fmt: skip


def _serial(cell: str) -> datetime:
    days = Decimal(cell.replace(",", "."))
    return _SERIAL_START + timedelta(seconds=int((days * 86_400).to_integral_value()))


def _clock(rest: str, cell: str) -> tuple[timedelta, tzinfo | None]:
    """The time of day, and its zone where one is named."""
    text = rest.lstrip(" ,T\t\u202f\u00a0").rstrip()
    if not text:
        return timedelta(), None
    match = _CLOCK.fullmatch(text)
    if match is None:
        if text.upper() in _OFFSETS:
            return timedelta(), zone_of(text)
        raise NoMoment(f"{cell[:40]!r} is no date that we know")
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    hour = _hour(hour, match["half"], cell)
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and minute + second > 0):  # noqa: PLR2004
        raise NoMoment(f"{cell[:40]!r} is no time of day")
    part = int((match["part"] or "0").ljust(9, "0")[:6])
    clock = timedelta(hours=hour, minutes=minute, seconds=second, microseconds=part)
    return clock, zone_of(match["zone"]) if match["zone"] else None


def _hour(hour: int, half: str | None, cell: str) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= 12:  # noqa: PLR2004
        raise NoMoment(f"{cell[:40]!r} is no time of day")
    return hour % 12 + (12 if half[0] in "pP" else 0)


_OFFSET = re.compile(
    r"(?:UTC|GMT)?\s*([+-])([0-9]{1,2}):?([0-9]{2})?(?: [A-Z]{3,5})?", re.IGNORECASE
)
"""`+01:00`, `UTC+1`, and Go's `+0100 CET`."""


_WITH_NAME = re.compile(r"(?P<offset>[^\[\] ]*)\[(?P<name>[^\[\]]+)\]$")
"""`+02:00[Europe/Berlin]`, `Z[UTC]`, `[Europe/Berlin]`, as Java and JavaScript write zones (RFC 9557)."""


def _require_one_offset(cell: str, local: datetime, instant: datetime) -> None:
    """Refuse an offset that the zone beside it did not have; `Z` says of a clock's offset nothing (RFC 9557 2)."""
    match = _WITH_NAME.search(cell)
    if match is None or match["offset"][-1:].upper() == "Z" or ":" not in match["offset"]:
        return
    shown = instant.astimezone(zone_of(match["name"]))
    if shown.replace(tzinfo=None) != local.replace(tzinfo=None):
        raise NoMoment(f"{cell[:40]!r}: clocks of {match['name'][:40]} did not show this time then")


def zone_of(name: str) -> tzinfo:
    """A zone by its offset, its abbreviation, or its name in the IANA database. Raises `NoMoment`."""
    named = _WITH_NAME.fullmatch(name.strip())
    if named:
        return zone_of(named["offset"] or named["name"])
    text = re.sub(r"\s*\(.*\)$", "", name.strip()) or name.strip(" ()")
    minutes = _OFFSETS.get(text.upper())
    if minutes is not None:
        return timezone(timedelta(minutes=minutes))
    match = _OFFSET.fullmatch(text)
    if match:
        east = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
        if east < timedelta(hours=24):
            return timezone(east if match[1] == "+" else -east)
    if "/" in text:
        try:
            return ZoneInfo(text)
        except (ValueError, OSError, KeyError):
            pass
    raise NoMoment(f"{text[:40]!r} is no time zone that we can tell")


def _localised(local: datetime, zone: tzinfo, cell: str) -> datetime:
    """An instant by a zone's clock. Raises `NoMoment` where that showed no such time, or showed it twice."""
    if zone is UTC:
        return local
    naive = local.replace(tzinfo=None)
    both = [naive.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
    offsets = {each.utcoffset() for each in both}
    if len(offsets) == 1:
        return both[0].astimezone(UTC)
    is_gap = both[0].astimezone(UTC).astimezone(zone).replace(tzinfo=None) != naive
    raise NoMoment(
        f"{cell[:40]!r}: clocks of {zone} {'skipped' if is_gap else 'showed twice'} this time"
    )


class Found(NamedTuple):
    """The orders that fit every date of a column, and why the others do not."""

    possible: frozenset[Order]
    ruled_out: dict[Order, tuple[int, str]]
    first: tuple[int, str] | None


def found(cells: Iterable[tuple[int, str]]) -> Found:
    """The orders that fit all cells of a column, each with its line; cells that are no dates decide nothing."""
    possible, ruled_out = frozenset(Order), dict[Order, tuple[int, str]]()
    first: tuple[int, str] | None = None
    for line, cell in cells:
        fits = orders(cell)
        if not fits:
            continue
        first = first or (line, cell)
        for order in possible - fits:
            ruled_out[order] = (line, cell)
        possible &= fits
    return Found(possible if first else frozenset(), ruled_out, first)


def is_dotted(cell: str) -> bool:
    """Whether a date is written with points, as 25.04.2026: nobody writes the month first so (DIN 5008)."""
    match = _DATE.match(cell.strip())
    return match is not None and match[2] == "."


def date_in(cell: str, order: Order) -> tuple[int, int, int] | None:
    """Year, month and day of a cell in an order; None where it is no date in it."""
    return _parts(cell.strip()).dates.get(order)


def names_zone(cell: str) -> bool:
    """Whether a cell tells its own zone."""
    parts = _parts(cell.strip())
    if Order.EPOCH in parts.dates:
        return True
    try:
        return _clock(parts.rest, cell)[1] is not None
    except NoMoment:
        return False
