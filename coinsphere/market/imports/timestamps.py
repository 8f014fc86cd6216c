"""Parses the times at which candles open. All cells of a column decide its format, never a single one.

Days (2024-06-30, 2024/06/30), instants (2024-06-30T12:00:00Z, UTC where no zone is given), epochs in seconds to
nanoseconds, digits alone (20240630, 2024063012, 202406301200, 20240630120000), and days before or after months
(30.06.2024, 6/30/2024, each with a time or without), where the column proves which of them comes first.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain

Reader = Callable[[str], datetime]
"""An instant in UTC of a cell.

Raises:
    ValueError, OverflowError: the cell is no time as this column writes them.
"""

_EPOCH_UNITS = ((10**11, 1), (10**14, 1_000), (10**17, 1_000_000), (10**19, 1_000_000_000))
"""An epoch below the first number counts so many a second."""
_FIRST_EPOCH = 10**8
"""Of 1973: what is smaller is a spreadsheet's number of a day, or none."""
_DIGITS = {12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""How many digits are a day with a time: as epochs they lie before 1980 or after 2600."""
_YEARS = range(1980, 2200)
_HOURS = re.compile(
    r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[01][0-9]|2[0-3])"
)
_HOUR = 3600
_WHOLE = re.compile(r"([0-9]+)\.0*")
_YEAR_FIRST = re.compile(r"([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})(?=[^0-9]|$)")
_ORDERED = re.compile(
    r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:,?[T ]+(\d{1,2}):(\d{2})(?::(\d{2}))?(?: ?([AP]M))?)?(?: ?UTC|Z)?",
    re.ASCII | re.IGNORECASE,
)
_NAMED = re.compile(r"(Z|[+-][0-9]{2}:?[0-9]{2})\[[A-Za-z0-9/_+-]+\]$", re.IGNORECASE)
_LAST_MONTH = 12


class UnreadableTimes(ValueError):
    """No cell of a column can be read as a time, or the order of day and month is open."""


def decide(peeked: Sequence[str], all_cells: Callable[[], Iterable[str]]) -> Reader:
    """The reader of a column's cells.

    Args:
        peeked: the first cells.
        all_cells: gives every cell of the column; asked only where the first ones leave the order of day and month open.

    Raises:
        UnreadableTimes: says what is wrong, with the first cell.
    """
    if _are_hours(peeked):
        return _read_hours
    ordered = next((cell for cell in peeked if _ORDERED.fullmatch(cell.strip())), None)
    if ordered is not None:
        return _ordered(ordered, chain(peeked, all_cells()))
    if peeked and not any(_is_time(cell) for cell in peeked):
        raise UnreadableTimes(
            f"the times cannot be read, the first is {peeked[0].strip()[:40]!r}; write days as 2024-06-30, instants "
            "as 2024-06-30T12:00:00Z or as epochs"
        )
    return parse


def parse(text: str) -> datetime:
    """An instant in UTC from a day, an ISO-8601 instant, an epoch or digits alone.

    Raises:
        ValueError, OverflowError: it is none of these.
    """
    if text.isascii() and text.isdecimal() and len(text) != len("20240630"):
        return _from_digits(text)
    return _from_text(text.strip())


def _from_digits(text: str) -> datetime:
    form = _DIGITS.get(len(text))
    if form is not None and int(text[:4]) in _YEARS:
        # Else strptime would take "2024122" apart in another way.
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    number = int(text)
    if number < _FIRST_EPOCH:
        raise ValueError(f"{text!r} is no epoch")
    for limit, unit in _EPOCH_UNITS:
        if number < limit:
            seconds, rest = divmod(number, unit)
            moment = datetime.fromtimestamp(seconds, UTC)
            return moment + timedelta(microseconds=rest * 1_000_000 // unit) if rest else moment
    raise ValueError(f"{text!r} is no epoch")


def _from_text(text: str) -> datetime:
    whole = _WHOLE.fullmatch(text)
    if whole is not None:  # as pandas writes a column of whole numbers that lacks one
        return parse(whole.group(1))
    # `Z[UTC]`, `+01:00[Europe/Berlin]` (RFC 9557): the offset tells the instant.
    text = _NAMED.sub(r"\1", text.removesuffix(" UTC"))
    year_first = _YEAR_FIRST.match(text)
    if year_first is not None:
        year, month, day = year_first.groups()
        text = f"{year}-{month:0>2}-{day:0>2}{text[year_first.end() :]}"
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _are_hours(cells: Sequence[str]) -> bool:
    """Whether a column is written as 2024063012: as epochs they would not all be full hours."""
    if not cells or not all(_HOURS.fullmatch(cell) for cell in cells):
        return False
    return any(int(cell) % _HOUR for cell in cells)


def _read_hours(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%d%H").replace(tzinfo=UTC)


def _ordered(first: str, cells: Iterable[str]) -> Reader:
    """The reader of a column in which day and month stand before the year, in the order that all cells prove."""
    matches = [match for cell in cells if (match := _ORDERED.fullmatch(cell.strip()))]
    is_day_first = any(int(match[1]) > _LAST_MONTH for match in matches)
    is_month_first = any(int(match[3]) > _LAST_MONTH for match in matches)
    if is_day_first and is_month_first:
        raise UnreadableTimes(
            f"the times cannot be read: some have the day first, some the month, as in {first!r}"
        )
    # With points, no country writes the month first.
    if not is_month_first and (is_day_first or all(match[2] == "." for match in matches)):
        return lambda text: _read_ordered(text, day=1, month=3)
    if is_month_first:
        return lambda text: _read_ordered(text, day=3, month=1)
    raise UnreadableTimes(
        f"the times cannot be read: whether {first!r} has the day or the month first is not proved by any row; write "
        "days as 2024-06-30"
    )


def _read_ordered(text: str, *, day: int, month: int) -> datetime:
    match = _ORDERED.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a time as the column writes them")
    hour, minute, second = (int(match[place] or 0) for place in (5, 6, 7))
    half = (match[8] or "").upper()
    if half:
        hour = hour % 12 + (12 if half == "PM" else 0)
    return datetime(
        int(match[4]), int(match[month]), int(match[day]), hour, minute, second, tzinfo=UTC
    )


def _is_time(text: str) -> bool:
    try:
        parse(text)
    except (ValueError, OverflowError):
        return False
    return True
