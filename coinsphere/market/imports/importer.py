"""Imports candle files into the database, and reports what a person has to act on.

A file whose header, encoding or archive is unusable is refused as a whole; of any other the good rows are kept and each
bad one is named by line and column, and goes to the quarantine. A file is one transaction, and the same file twice
writes nothing. A symbol that is not known is reported, not invented.
"""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from psycopg import Connection, Rollback
from psycopg.errors import DeadlockDetected, LockNotAvailable, QueryCanceled

from coinsphere.clock import Clock, utc_now
from coinsphere.errors import ImportRefused
from coinsphere.market import origin as origins
from coinsphere.market.candles import store as candle_store
from coinsphere.market.imports import candle_file, contradictions, duplicates, file_name
from coinsphere.market.imports.candle_file import BadRow, CandleFile
from coinsphere.market.model import Candle, Interval, Token
from coinsphere.market.quality import quarantine
from coinsphere.market.quality.quarantine import Rejected
from coinsphere.market.quality.validation import Fault
from coinsphere.market.reference import tokens

Begun = Callable[[Path, int, int], None]

_BUSY = (LockNotAvailable, DeadlockDetected, QueryCanceled)
_TRY_AGAIN = "the prices are busy with other work, nothing of the file is kept; try it again"
_MOST_NAMED = 10_000
"""Bad rows named in a report; more are only counted."""

_RECORD = """
    insert into market.ingestions
        (kind, source, token_id, started_at, finished_at, rows_received, rows_written, rows_quarantined,
         error_code, error)
    values
        ('import', %(source)s, %(token_id)s, %(started_at)s, clock_timestamp(), %(received)s, %(written)s,
         %(rejected)s, %(error_code)s, %(error)s)
"""


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that was not kept."""

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.reason}"


@dataclass(slots=True)
class FileReport:
    """The result of one file; `notes` name what of it is not read, `refused` is the reason that nothing of it was kept."""

    path: Path
    symbol: str | None = None
    interval: Interval | None = None
    first: datetime | None = None
    last: datetime | None = None
    rows: int = 0
    written: int = 0
    rejected_rows: int = 0
    rejected: list[RejectedRow] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    refused: str | None = None

    @property
    def name(self) -> str:
        """The file's name in a form that any terminal and database accepts."""
        return file_name.shown(self.path)

    def reject(self, line: int, column: str, reason: str) -> None:
        """Count a bad row, and name it if there are not too many."""
        self.rejected_rows += 1
        if len(self.rejected) < _MOST_NAMED:
            self.rejected.append(RejectedRow(line, column, reason))


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The result of each file."""

    files: list[FileReport]

    @property
    def written(self) -> int:
        """How many candles were new or changed."""
        return sum(file.written for file in self.files)

    @property
    def rejected(self) -> int:
        """How many rows were not kept."""
        return sum(file.rejected_rows for file in self.files)

    @property
    def refused(self) -> int:
        """Files of which nothing was kept."""
        return sum(file.refused is not None for file in self.files)


def import_folder(
    conn: Connection, folder: Path, clock: Clock = utc_now, *, begun: Begun | None = None
) -> ImportReport:
    """Import every candle file in `folder` and below, or the one file that `folder` is.

    Commits after each file, so that an interrupted import keeps the files that it had finished; do not call it inside
    a transaction block. `begun` hears of each file before it is read: which, its number, and of how many.

    Raises:
        ImportRefused: there is no such folder, or no candle file in it.
        ConfigurationError: this database holds simulated prices.
    """
    paths = _paths(folder)
    location = folder if folder.is_dir() else folder.parent
    origins.require_real(conn, location.resolve())
    conn.commit()
    files = []
    for number, path in enumerate(paths, 1):
        if begun is not None:
            begun(path, number, len(paths))
        files.append(_import_file(conn, path, clock))
    return ImportReport(files)


def _paths(folder: Path) -> list[Path]:
    if not folder.exists():
        raise ImportRefused(f"there is no file or folder {folder}")
    if folder.is_file():
        return [folder]
    paths = [path for path in folder.rglob("*") if candle_file.is_candidate(path)]
    if not paths:
        raise ImportRefused(f"{folder} holds no .csv or .zip file")
    return sorted(paths)


def _import_file(conn: Connection, path: Path, clock: Clock) -> FileReport:
    started_at = utc_now()
    report = FileReport(path)
    token: Token | None = None
    try:
        token = _token(conn, path)
        report.symbol = token.symbol
        report, doubted = _load(conn, path, token, clock)
        if doubted:
            report, _ = _load(conn, path, token, clock, without=doubted)
    except ImportRefused as error:
        report = FileReport(path, report.symbol, report.interval, refused=str(error))
    except _BUSY as error:
        conn.rollback()
        report = FileReport(path, report.symbol, refused=f"{path.name}: {_TRY_AGAIN} ({error})")
    _record(conn, report, token, started_at)
    conn.commit()
    return report


def _token(conn: Connection, path: Path) -> Token:
    file_name.require_named(path)
    candidates = file_name.symbols(path)
    for symbol in candidates:
        try:
            return tokens.by_symbol(conn, symbol)
        except LookupError:
            continue
    file_name.require_spot_in_dollars(path, None)
    raise ImportRefused(
        f"{path.name}: no token has the symbol {' or '.join(candidates)}; the name of a file begins with its token's "
        "symbol, and an administrator adds a token by POST /api/v1/tokens"
    )


def _load(
    conn: Connection,
    path: Path,
    token: Token,
    clock: Clock,
    without: AbstractSet[datetime] = frozenset(),
) -> tuple[FileReport, AbstractSet[datetime]]:
    """Load a file, but for candles that open at `without`.

    Where candles contradict those that were stored, nothing is kept, and their starts are given beside the report.
    """
    report = FileReport(path, token.symbol)
    doubted: AbstractSet[datetime] = frozenset()
    with conn.transaction() as transaction, candle_file.opened(path, token.symbol) as file:
        before = contradictions.stored(conn, token.id, file.interval)
        reader = _Reader(file, token, report, clock(), without)
        loaded = candle_store.load(conn, reader.candles(), clock, reader.reject)
        quarantine.store(conn, reader.unreadable)
        report.interval, report.notes = file.interval, file.notes
        report.written = loaded.written
        doubted = contradictions.contradicting(conn, token.id, file.interval, before) - without
        if doubted:
            raise Rollback(transaction)
    return report, doubted


class _Reader:
    """Feeds the loader, and knows the line of the candle that it was given last."""

    def __init__(
        self,
        file: CandleFile,
        token: Token,
        report: FileReport,
        now: datetime,
        without: AbstractSet[datetime],
    ) -> None:
        self._without = without
        self._file, self._token, self._report, self._now = file, token, report, now
        self._seen = duplicates.DuplicateCheck(now)
        self._line = 0
        self._spanned: tuple[datetime | None, datetime | None] = (None, None)
        self.unreadable: list[Rejected] = []

    def candles(self) -> Iterator[Candle]:
        """The rows that can be read as candles."""
        report = self._report
        for line, row in self._file.rows(self._token.id, self._now):
            report.rows += 1
            if isinstance(row, BadRow):
                self._note(row)
                continue
            self._line = line
            if row.opened_at in self._without:
                self._refuse(row, contradictions.FAULT)
                continue
            if self._seen.is_contradicted(row):
                self._refuse(row, candle_store.CONTRADICTION)
                continue
            self._spanned = (report.first, report.last)
            report.first = min(report.first or row.opened_at, row.opened_at)
            report.last = max(report.last or row.opened_at, row.opened_at)
            yield row

    def _refuse(self, candle: Candle, fault: Fault) -> None:
        self._tell(candle, fault)
        if len(self.unreadable) < _MOST_NAMED:
            self.unreadable.append(candle_store.rejected(candle, fault.reason, self._token.id))

    def reject(self, candle: Candle, fault: Fault) -> None:
        """Hear from the loader that the candle given last cannot be true."""
        self._seen.forget(candle)
        self._report.first, self._report.last = self._spanned
        self._tell(candle, fault)

    def _tell(self, candle: Candle, fault: Fault) -> None:
        day = f"{candle.opened_at:%Y-%m-%d}"
        if candle.interval is Interval.HOUR:
            day = f"{candle.opened_at:%Y-%m-%d %H:%M}"
        self._report.reject(self._line, fault.column, f"{day}: {fault.reason}")

    def _note(self, row: BadRow) -> None:
        self._report.reject(row.line, row.column, row.reason)
        if len(self.unreadable) < _MOST_NAMED:
            payload = {"file": self._file.name, "line": str(row.line), "row": ",".join(row.cells)}
            source = f"file:{self._file.name}"
            self.unreadable.append(Rejected(self._token.id, "candle", source, row.reason, payload))


def _record(
    conn: Connection, report: FileReport, token: Token | None, started_at: datetime
) -> None:
    conn.execute(
        _RECORD,
        {
            "source": f"file:{report.name}",
            "token_id": token.id if token else None,
            "started_at": started_at,
            "received": report.rows,
            "written": report.written,
            "rejected": report.rejected_rows,
            "error_code": "bad_payload" if report.refused else None,
            "error": report.refused,
        },
    )
