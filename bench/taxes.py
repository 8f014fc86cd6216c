"""Tax reports and a Parquet file of 400,000 transactions, each in a process that does nothing else: `python -m bench taxes`."""

import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from decimal import localcontext
from pathlib import Path
from uuid import UUID

import psycopg

from bench.filling import LONGEST, NOW, connect, fill, prepare
from bench.ingestion import _database, _peak_mb
from bench.measure import Measure
from coinsphere import arrow_files
from coinsphere.portfolio.imports import exporting
from coinsphere.portfolio.model import EXACT
from coinsphere.portfolio.tax import files, reading
from coinsphere.portfolio.tax.regimes import REGIMES

REPORTS = ("us", "uk", "de")
TRANSACTIONS = 400_000
_OPTIONS = "-c search_path=app,market,model,jobs,public -c timezone=UTC"
_FIRST = "select id from app.portfolios where user_id = %s"


def run() -> list[Measure]:
    """All figures, on a durable server and a database of their own."""
    at = f"at {TRANSACTIONS:,} transactions"
    with _database() as url, connect(url) as conn:
        user_id, _ = fill(conn, "taxes", prepare(conn), TRANSACTIONS)
        conn.execute("vacuum analyze app.transactions, app.ledger_entries")
        return [*_reported(url, user_id, at), *_exported(url, user_id, at)]


def _reported(url: str, user_id: UUID, at: str) -> Iterator[Measure]:
    """A report of last year by each of the rules."""
    for regime in REPORTS:
        found = _alone(url, user_id, regime)
        yield Measure(f"a tax report ({regime}) {at}", found["seconds"], "s", 20)
        yield Measure(f"CPU of a tax report ({regime}) {at}", found["cpu"], "s", 20)
        yield Measure(f"peak memory of a tax report ({regime}) {at}", found["peak"], "MB", 500)


def _exported(url: str, user_id: UUID, at: str) -> Iterator[Measure]:
    found = _alone(url, user_id, "parquet")
    yield Measure(f"a Parquet file {at}", found["seconds"], "s")
    yield Measure(f"peak memory of a Parquet file {at}", found["peak"], "MB", 300)
    yield Measure(f"of it by the transactions {at}", found["grown"], "MB", 100)


def _alone(url: str, user_id: UUID, what: str) -> dict[str, float]:
    """What `_main` gives in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.taxes", url, str(user_id), what],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[1],
        timeout=LONGEST,
    )
    return dict(json.loads(done.stdout))


def _main(url: str, user_id: UUID, what: str) -> dict[str, float]:
    """Seconds, those of CPU, and the process's peak memory in MB with how much it grew meanwhile."""
    with psycopg.connect(url, options=_OPTIONS) as conn:
        before, started, worked = _peak_mb(), time.perf_counter(), time.process_time()
        if what == "parquet":
            _write(conn, user_id)
        else:
            _report(conn, user_id, what)
        seconds, cpu = time.perf_counter() - started, time.process_time() - worked
    peak = _peak_mb()
    return {"seconds": seconds, "cpu": cpu, "peak": peak, "grown": peak - before}


def _report(conn: psycopg.Connection, user_id: UUID, regime: str) -> None:
    found = reading.read(conn, user_id, REGIMES[regime], NOW.year - 1, "USD")
    with localcontext(EXACT):
        files.write_csv(found, io.StringIO(newline=""))


def _write(conn: psycopg.Connection, user_id: UUID) -> None:
    portfolio = conn.execute(_FIRST, [user_id]).fetchone()
    assert portfolio is not None
    rows = exporting.rows(conn, user_id, portfolio[0])
    with tempfile.TemporaryFile() as file:
        arrow_files.write(rows, exporting.COLUMNS, file, "parquet")


if __name__ == "__main__":
    print(json.dumps(_main(sys.argv[1], UUID(sys.argv[2]), sys.argv[3])))
