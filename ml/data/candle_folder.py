"""A panel of a folder of candle files. What is left out of them is named, with its file and line, in the panel's notes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

from coinsphere.errors import ImportRefused
from coinsphere.market.imports import candle_file, checksum, file_name
from coinsphere.market.model import Candle, Interval
from coinsphere.market.quality import validation
from ml.data import panel, series_breaks
from ml.data.panel import FIRST_DAY, Panel
from ml.errors import BadHistory, TooLittleHistory

_NO_TOKEN = UUID(int=0)
_DOLLAR = "USD"
_ENOUGH_DAYS = 730
"""Of history before the first origin: less than that of many tokens is worth less than more of a few."""


def read(
    folder: Path, now: datetime, symbols: Iterable[str] | None = None, *, first: date = FIRST_DAY
) -> Panel:
    """The daily candles of a folder and what lies below it; a row that cannot be true is left out.

    Args:
        folder: one candle file for each token, as `coinsphere market import` reads them.
        now: a candle that closes later is unfinished and left out.
        symbols: the tokens to read; None reads all.
        first: earlier days are left out.

    Raises:
        BadHistory: two files or rows say different things of the same day.
        LookupError: a token that was asked for has no candle.
        TooLittleHistory: no daily candle was found.
    """
    requested = None if symbols is None else {symbol.upper() for symbol in symbols}
    reader = _Reader(now, first)
    for path in sorted(path for path in folder.rglob("[!.]*") if path.is_file()):
        symbol = _symbol(path, requested)
        if symbol is not None and not checksum.is_checksum(path):
            reader.read(path, symbol, symbol if requested else None)
    rows, breaks = _in_one_unit(reader.rows)
    notes = [*reader.notes(), *breaks]
    present = {symbol for symbol, days in reader.rows.items() if days}
    if absent := (requested or set()) - present:
        missing = f"{folder} has no daily candles of {', '.join(sorted(absent))}"
        raise LookupError("; ".join((missing, *notes)))
    if not present:
        raise TooLittleHistory("; ".join((f"{folder} has no daily candles", *notes)))
    return panel.from_rows(rows, price_source="files", location=folder.name, notes=notes)


def _in_one_unit(
    rows: Mapping[str, Mapping[date, Sequence[float]]],
) -> tuple[dict[str, Mapping[date, Sequence[float]]], list[str]]:
    """The rows with every token split where its unit changes, and what is to be said of it."""
    in_one_unit: dict[str, Mapping[date, Sequence[float]]] = {}
    notes: list[str] = []
    for symbol, days in rows.items():
        series, breaks = series_breaks.split(symbol, days)
        in_one_unit |= {part.symbol: part.days for part in series}
        notes += breaks
    return in_one_unit, notes


def _symbol(path: Path, requested: set[str] | None) -> str | None:
    """The token of a file, None where it is not wanted: `BTCUSDT.csv` is BTC, but `TUSD.csv` is TUSD unless T is wanted."""
    names = [name or path.stem.upper() for name in file_name.symbols(path)]
    if requested is not None:
        return next((name for name in reversed(names) if name in requested), None)
    head, base = names[0], names[-1]
    is_stablecoin = head in file_name.QUOTES or head == base[:1] + _DOLLAR
    return head if is_stablecoin else base


@dataclass(slots=True)
class _Reader:
    """Rows by symbol and day, where each is from, and what was left out."""

    now: datetime
    first: date
    rows: dict[str, dict[date, Sequence[float]]] = field(default_factory=dict)
    _places: dict[tuple[str, date], str] = field(default_factory=dict)
    _left_out: list[str] = field(default_factory=list)
    _early: int = 0

    def read(self, path: Path, symbol: str, asked: str | None) -> None:
        """Take the candles of a file as those of `symbol`, which may have been asked for."""
        if not candle_file.is_candidate(path):
            self._left_out.append(f"{file_name.shown(path)}: is no .csv or .zip file")
            return
        bad: list[str] = []
        try:
            with candle_file.opened(path, asked) as file:
                if file.interval is not Interval.DAY:
                    reason = f"holds candles of {file.interval.value}, and only daily ones are read"
                    self._left_out.append(f"{path.name}: {reason}")
                    return
                self._left_out += [f"{path.name}: {note}" for note in file.notes]
                for line, row in file.rows(_NO_TOKEN, self.now):
                    fault = row.reason if isinstance(row, candle_file.BadRow) else self._fault(row)
                    if fault is not None:
                        bad.append(f"line {line}: {fault}")
                    elif isinstance(row, Candle):
                        self._keep(symbol, row, f"{path.name} line {line}")
        except ImportRefused as error:
            self._left_out.append(str(error))
        if bad:
            self._left_out.append(f"{path.name}: {len(bad)} rows, the first: {bad[0]}")

    def notes(self) -> list[str]:
        """What was left out and why."""
        early = f"{self._early} rows before {self.first}, when too few tokens were traded"
        return self._left_out + [early] * (self._early > 0)

    def _fault(self, row: Candle) -> str | None:
        if not row.is_final:
            return "the day is not over"
        fault = validation.untruth(row, self.now)
        return None if fault is None else fault.reason

    def _keep(self, symbol: str, row: Candle, place: str) -> None:
        day = row.opened_at.astimezone(UTC).date()
        if day < self.first:
            self._early += 1
            return
        prices = [float(price) for price in (row.open, row.high, row.low, row.close)]
        candle = [*prices, float("nan") if row.volume is None else float(row.volume)]
        existing = self.rows.setdefault(symbol, {}).setdefault(day, candle)
        first = self._places.setdefault((symbol, day), place)
        if existing[:4] != prices:
            raise BadHistory(
                f"{place}: {symbol} has other prices on {day} than in {first}; keep one file of each token"
            )


def first_day(start: date) -> date:
    """From which day on candles are read for a walk-forward from `start`: all days where it starts early."""
    return FIRST_DAY if (start - FIRST_DAY).days >= _ENOUGH_DAYS else date.min
