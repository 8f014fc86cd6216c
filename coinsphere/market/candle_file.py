"""Files of candles: our CSV and Binance kline dumps, plain or zipped, one token and one interval a file.

Our CSV has a header that names `date` or `timestamp`, `open`, `high`, `low`, `close` and, if known, `volume` (in units
of the token), in any order and case. A Binance dump has 12 columns, with or without a header. Times are days
(2024-06-30), instants (2024-06-30T12:00:00Z, UTC where no zone is given) or epochs in seconds, milliseconds or
microseconds. Symbol and interval are read from the name (`BTC.csv`, `BTCUSDT-1d-2024-01.zip`, `BTC__source.csv`), the
interval otherwise from the distance of the first rows.
"""

import csv
import lzma
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial
from io import TextIOWrapper
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import TextIO
from uuid import UUID

from coinsphere.errors import ImportRefused
from coinsphere.market.model import Candle, Interval

SUFFIXES = (".csv", ".zip")
QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "USD")
"""Quote currencies that a file name may carry after the symbol; all are taken as US dollars."""

_PRICES = ("open", "high", "low", "close")
_TIME_NAMES = ("date", "timestamp", "time", "datetime", "open_time", "opentime", "open time")
_BINANCE_COLUMNS = 12
_INTERVAL_IN_NAME = re.compile(r"(?<![A-Za-z0-9])(\d{1,2}(?:s|m|h|d|w|mo|M))(?![A-Za-z0-9])")
_PEEKED = 50
"""Rows looked at to tell the interval."""
_LONGEST_LINE = 10_000
"""Characters of a line; the rest counts as further lines, so that no file can fill the memory."""
_LARGEST_UNPACKED = 2 * 1024**3
_MOST_PACKED = 200
"""Candles shrink to a fifth or so; what shrinks to a two-hundredth is no candle file but a trap."""
_SURELY_HARMLESS = 10 * 1024**2
_BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError)
_EPOCH_UNITS = ((10**11, 1), (10**14, 1_000), (10**17, 1_000_000))
"""An epoch below the first number counts so many a second."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is no candle: where, why, and what it said."""

    line: int
    column: str
    reason: str
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class CandleFile:
    """An open file whose header was understood."""

    name: str
    interval: Interval
    columns: Mapping[str, int]
    width: int
    lines: Iterator[tuple[int, list[str]]]

    def rows(self, token_id: UUID, now: datetime) -> Iterator[tuple[int, Candle | BadRow]]:
        """Each row with its line number, as a candle of `token_id` if it can be read as one.

        Whether the candle can be true is not looked at here.

        Raises:
            zipfile.BadZipFile, UnicodeDecodeError, csv.Error: the file breaks off or is no text; `opened` turns
                them into `ImportRefused`.
        """
        source = f"file:{self.name}"
        length, interval = self.interval.duration, self.interval
        time, opened, high, low, closed = (self.columns[name] for name in ("time", *_PRICES))
        volume, width = self.columns.get("volume"), self.width
        for line, cells in self.lines:
            if len(cells) != width:
                yield line, self._explain(line, cells)
                continue
            try:
                opened_at = parse_time(cells[time])
                traded = cells[volume] if volume is not None else ""
                candle = Candle(
                    token_id,
                    interval,
                    opened_at,
                    Decimal(cells[opened]),
                    Decimal(cells[high]),
                    Decimal(cells[low]),
                    Decimal(cells[closed]),
                    Decimal(traded) if traded else None,
                    source,
                    opened_at + length <= now,
                    now,
                )
            except (ValueError, InvalidOperation, OverflowError):
                yield line, self._explain(line, cells)
            else:
                yield line, candle

    def _explain(self, line: int, cells: Sequence[str]) -> BadRow:
        """Find what is wrong with a row."""
        if len(cells) != self.width:
            reason = f"the row has {len(cells)} cells, not {self.width} (a number holds no comma)"
            return BadRow(line, "row", reason, cells)
        for name, index in self.columns.items():
            fault = _cell_fault(name, cells[index])
            if fault is not None:
                return BadRow(line, name, fault, cells)
        return BadRow(line, "time", "the time lies outside every calendar", cells)


@contextmanager
def opened(path: Path) -> Iterator[CandleFile]:
    """Open a file and understand its header.

    Raises:
        ImportRefused: the file is unusable as a whole; says why.
    """
    try:
        with _text(path) as text:
            yield _understood(path, text)
    except _BROKEN_ZIP as error:
        raise ImportRefused(f"{path.name}: the zip archive is broken ({error})") from error
    except (RuntimeError, NotImplementedError) as error:
        # What zipfile raises for a password and for a compression that it does not know.
        raise ImportRefused(f"{path.name}: the zip archive cannot be opened ({error})") from error
    except UnicodeDecodeError as error:
        raise ImportRefused(f"{path.name}: is not a text file in UTF-8") from error
    except csv.Error as error:
        raise ImportRefused(f"{path.name}: is not a CSV file ({error})") from error
    except OSError as error:
        raise ImportRefused(f"{path.name}: cannot be read ({error.strerror})") from error


def is_candidate(path: Path) -> bool:
    """Whether a file of a folder is meant: by its ending, and not hidden (`._BTC.csv` is macOS's)."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


def symbols(path: Path) -> list[str]:
    """The symbols that a file name may stand for, the likeliest first: `BTCUSDT_1h.csv` is BTCUSDT or BTC."""
    head = re.split(r"[-_. ]", path.name, maxsplit=1)[0].upper()
    bases = [head.removesuffix(quote) for quote in QUOTES if head.endswith(quote) and head != quote]
    return [head, *sorted(set(bases), key=len)]


def parse_time(text: str) -> datetime:
    """An instant in UTC from a day, an ISO-8601 instant or an epoch.

    Raises:
        ValueError: it is none of these.
    """
    if text.isdecimal() and len(text) != len("20240630"):
        number = int(text)
        for limit, unit in _EPOCH_UNITS:
            if number < limit:
                seconds, rest = divmod(number, unit)
                moment = datetime.fromtimestamp(seconds, UTC)
                return moment + timedelta(microseconds=rest * 1_000_000 // unit) if rest else moment
        raise ValueError(f"{text!r} is no epoch")
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@contextmanager
def _text(path: Path) -> Iterator[TextIO]:
    if path.suffix.lower() != ".zip":
        with path.open(encoding="utf-8-sig", newline="") as text:
            yield text
        return
    with zipfile.ZipFile(path) as archive:
        member = _only_member(path, archive)
        with archive.open(member) as content:
            yield TextIOWrapper(content, encoding="utf-8-sig", newline="")


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


def _understood(path: Path, text: TextIO) -> CandleFile:
    reader = csv.reader(iter(partial(text.readline, _LONGEST_LINE), ""))
    first = next(reader, None)
    if not first:
        raise ImportRefused(f"{path.name}: is empty")
    lines: Iterator[tuple[int, list[str]]] = ((reader.line_num, cells) for cells in reader if cells)
    if _is_number(first[0]) and len(first) == _BINANCE_COLUMNS:
        columns = {"time": 0, **{name: index for index, name in enumerate((*_PRICES, "volume"), 1)}}
        lines = chain([(1, first)], lines)
    else:
        columns = _columns(path, first)
    peeked = list(islice(lines, _PEEKED))
    times = [cells[columns["time"]] for _, cells in peeked if len(cells) == len(first)]
    interval = _interval(path, times)
    return CandleFile(path.name, interval, columns, len(first), chain(peeked, lines))


def _columns(path: Path, header: Sequence[str]) -> dict[str, int]:
    """Where each column stands, time first."""
    names = [name.strip().lower() for name in header]
    times = [name for name in names if name in _TIME_NAMES]
    missing = [name for name in _PRICES if names.count(name) != 1]
    if len(times) != 1:
        missing.insert(0, "date")
    if missing:
        found = ", ".join(repr(name.strip()[:20]) for name in header[:8])
        raise ImportRefused(
            f"{path.name}: line 1: the header must name each of date (or timestamp), open, high, low, close once, "
            f"and may name volume; it lacks or repeats {', '.join(missing)}. Found: {found}"
        )
    columns = {"time": names.index(times[0])}
    columns |= {name: names.index(name) for name in _PRICES}
    return columns | ({"volume": names.index("volume")} if "volume" in names else {})


def _interval(path: Path, times: Sequence[str]) -> Interval:
    in_name = _INTERVAL_IN_NAME.search(path.name)
    if in_name is not None:
        return _supported(path, in_name.group(1).lower() if in_name.group(1)[-1] != "M" else "1mo")
    moments = [moment for text in times if (moment := _time_or_none(text)) is not None]
    steps = Counter(abs(after - before) for before, after in pairwise(moments))
    steps.pop(timedelta(0), None)
    if not steps:
        if moments and all(moment.hour == 0 and moment.minute == 0 for moment in moments):
            return Interval.DAY
        raise ImportRefused(
            f"{path.name}: the interval cannot be told from the rows; name it in the file name, as in BTC_1h.csv"
        )
    step = steps.most_common(1)[0][0]
    for interval in Interval:
        if interval.duration == step:
            return interval
    return _supported(path, str(step))


def _supported(path: Path, interval: str) -> Interval:
    if interval in ("24h", "60m"):
        interval = {"24h": "1d", "60m": "1h"}[interval]
    try:
        return Interval(interval)
    except ValueError:
        raise ImportRefused(
            f"{path.name}: holds candles of {interval}; only 1h and 1d are kept"
        ) from None


def _time_or_none(text: str) -> datetime | None:
    try:
        return parse_time(text)
    except (ValueError, OverflowError):
        return None


def _is_number(text: str) -> bool:
    return text.strip().replace(".", "", 1).isdecimal()


def _cell_fault(name: str, text: str) -> str | None:
    if name == "time":
        return None if _time_or_none(text) is not None else f"{text[:40]!r} is not a time"
    if not text.strip():
        return None if name == "volume" else f"{name} is empty"
    try:
        Decimal(text)
    except InvalidOperation:
        return f"{name} {text[:40]!r} is not a number"
    return None
