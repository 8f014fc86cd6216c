"""Files of candles: our CSV and Binance kline dumps, plain or zipped, one token and one interval a file.

Our CSV has a header that names `date` or `timestamp`, `open`, `high`, `low`, `close` and, if known, `volume` (in units
of the token), in any order and case. A Binance dump has 12 columns, with or without a header. `header` knows
what else a column may be called, `timestamps` how times are written, `file_name` what a file's name says. The
interval is read from the name (`BTC_1h.csv`), otherwise from the distance of the first rows.
"""

import csv
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TextIO
from uuid import UUID

from coinsphere.errors import ImportRefused
from coinsphere.market.imports import (
    archives,
    checksum,
    file_name,
    header,
    number_columns,
    row_labels,
    timeframe,
    timestamps,
)
from coinsphere.market.imports.header import PRICES
from coinsphere.market.model import Candle, Interval

SUFFIXES = (".csv", ".zip")

_PEEKED = 50
"""Rows looked at to tell the interval."""
_ABOVE = ("http://", "https://", "sep=")
_DELIMITERS = (",", ";", "\t", "|")
_LONGEST_LINE = 10_000
"""Characters of a line; the rest counts as further lines, so that no file can fill the memory."""
_BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is no candle: its line, the column at fault, the reason, and its cells."""

    line: int
    column: str
    reason: str
    cells: Sequence[str]


@dataclass(frozen=True, slots=True)
class CandleFile:
    """An open file whose header was understood; `labels` hold in every row, `notes` say what of it is not read."""

    name: str
    interval: Interval
    columns: Mapping[str, int]
    width: int
    parse_time: timestamps.Reader
    numbers: number_columns.Readers
    notes: tuple[str, ...]
    labels: Mapping[str, str]
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
        time, opened, high, low, closed = (self.columns[name] for name in ("time", *PRICES))
        volume, width, parse_time = self.columns.get("volume"), self.width, self.parse_time
        is_other, (price, amount) = self._is_other, self.numbers
        for line, cells in self.lines:
            if len(cells) != width or is_other(cells):
                yield line, self._explain(line, cells)
                continue
            try:
                opened_at = parse_time(cells[time])
                traded = cells[volume] if volume is not None else ""
                candle = Candle(
                    token_id,
                    interval,
                    opened_at,
                    price(cells[opened]),
                    price(cells[high]),
                    price(cells[low]),
                    price(cells[closed]),
                    amount(traded) if traded else None,
                    source,
                    opened_at + length <= now,
                    now,
                )
            except (ValueError, OverflowError):
                yield line, self._explain(line, cells)
            else:
                yield line, candle

    def _is_other(self, cells: Sequence[str]) -> bool:
        """Whether a row names another pair, currency or clock than the file's."""
        return any(cells[self.columns[name]] != label for name, label in self.labels.items())

    def _explain(self, line: int, cells: Sequence[str]) -> BadRow:
        """Find what is wrong with a row."""
        if len(cells) != self.width:
            reason = f"the row has {len(cells)} cells, not {self.width} (a number with a comma stands in quotes)"
            return BadRow(line, "row", reason, cells)
        for name, index in self.columns.items():
            fault = self._cell_fault(name, cells[index])
            if fault is not None:
                return BadRow(line, name, fault, cells)
        return BadRow(line, "time", "the time lies outside every calendar", cells)

    def _cell_fault(self, name: str, text: str) -> str | None:
        if name == "time":
            is_read = _time_or_none(self.parse_time, text) is not None
            return None if is_read else f"{text[:40]!r} is not a time"
        label = self.labels.get(name, text)
        if text != label:
            return f"{text[:40]!r} is not {label!r}"
        if name not in (*PRICES, "volume"):
            return None
        if not text.strip():
            return None if name == "volume" else f"{name} is empty"
        try:
            (self.numbers.volume if name == "volume" else self.numbers.price)(text)
        except ValueError:
            return f"{name} {text[:40]!r} is not a number"
        return None


@contextmanager
def opened(path: Path, symbol: str | None = None) -> Iterator[CandleFile]:
    """Open a file and understand its name and header.

    Args:
        path: of the file.
        symbol: the token that is meant; None where it is only known from the name.

    Raises:
        ImportRefused: the file is unusable as a whole, or holds no spot prices in US dollars; says why.
    """
    file_name.require_spot_in_dollars(path, symbol)
    try:
        checksum.require(path)
        with archives.text(path, symbol) as text:
            yield _understood(path, text, symbol)
    except _BROKEN_ZIP as error:
        raise ImportRefused(f"{path.name}: the zip archive is broken ({error})") from error
    except UnicodeDecodeError as error:
        raise ImportRefused(f"{path.name}: is not a text file in UTF-8 or UTF-16") from error
    except csv.Error as error:
        raise ImportRefused(f"{path.name}: is not a CSV file ({error})") from error
    except OSError as error:
        raise ImportRefused(f"{path.name}: cannot be read ({error.strerror})") from error


def is_candidate(path: Path) -> bool:
    """Whether a file of a folder is meant: by its ending, and not hidden (`._BTC.csv` is macOS's)."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


def _understood(path: Path, text: TextIO, symbol: str | None) -> CandleFile:
    symbols = list(filter(None, [symbol, *file_name.symbols(path)]))
    first, lines, sign = _table(path, text)
    if header.is_binance(first):
        columns = header.binance()
        lines = chain([(1, first)], lines)
    else:
        columns = header.understood(path.name, first, symbols)
    places, width = columns.places, len(first)
    peeked = list(islice(lines, _PEEKED))
    whole = [(line, cells) for line, cells in peeked if len(cells) == width]
    every = partial(_rows, path, symbol, width)
    numbers = number_columns.decide(path.name, places, whole, every, sign)
    times = [cells[places["time"]] for _, cells in whole]
    reader = _time_reader(path, times, lambda: (cells[places["time"]] for _, cells in every()))
    moments = [_time_or_none(reader, cell) for cell in times]
    if "second" in places:
        _require_one_clock(path, moments, [cells[places["second"]] for _, cells in whole])
    interval = timeframe.detect(path, moments)
    labels = row_labels.read(path, places, whole[0][1], symbols) if whole else {}
    rest = chain(peeked, lines)
    return CandleFile(
        path.name, interval, places, width, reader, numbers, columns.notes, labels, rest
    )


def _time_reader(
    path: Path, times: Sequence[str], every: Callable[[], Iterable[str]]
) -> timestamps.Reader:
    try:
        return timestamps.decide(times, every)
    except timestamps.UnreadableTimes as error:
        raise ImportRefused(f"{path.name}: {error}") from error


def _table(path: Path, text: TextIO) -> tuple[list[str], Iterator[tuple[int, list[str]]], str]:
    """The first line that is a table's, those after it, and what parts their cells.

    CryptoDataDownload writes an address above the header, Excel which sign parts the cells.
    """
    lines = iter(partial(text.readline, _LONGEST_LINE), "")
    start = next(lines, "")
    before = int(start.lstrip('"').lower().startswith(_ABOVE))
    start = next(lines, "") if before else start
    reader = csv.reader(chain([start], lines), delimiter=_delimiter(start))
    first = next(reader, None)
    if not first:
        raise ImportRefused(f"{path.name}: is empty")
    rows = ((reader.line_num + before, cells) for cells in reader if cells)
    return first, rows, reader.dialect.delimiter


def _delimiter(start: str) -> str:
    """The sign that parts a line into most cells; CoinMarketCap writes semicolons."""
    return max(_DELIMITERS, key=lambda sign: len(next(csv.reader([start], delimiter=sign), [])))


def _rows(path: Path, symbol: str | None, width: int) -> Iterator[tuple[int, list[str]]]:
    """The rows of the file, opened once more."""
    with archives.text(path, symbol) as text:
        _, lines, _ = _table(path, text)
        yield from (row for row in lines if len(row[1]) == width)


def _require_one_clock(
    path: Path, moments: Sequence[datetime | None], seconds: Sequence[str]
) -> None:
    """See that two columns of times tell the same instants: else one is of another zone, or of the close."""
    for moment, cell in zip(moments, seconds, strict=True):
        other = _time_or_none(timestamps.parse, cell)
        if moment is not None and other is not None and moment != other:
            raise ImportRefused(
                f"{path.name}: two columns tell different times, {moment:%Y-%m-%d %H:%M} and {other:%Y-%m-%d %H:%M} UTC "
                "of one row; keep the one that is the opening in UTC"
            )


def _time_or_none(reader: timestamps.Reader, text: str) -> datetime | None:
    try:
        return reader(text)
    except (ValueError, OverflowError):
        return None
