"""Ingestion: candles a second into the indexed table, memory of a million, and the same file again."""

import json
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg

from bench.measure import Measure
from coinsphere.db import migrate, seeds
from coinsphere.db.provisioning import LOGIN_ROLES
from coinsphere.local.postgres import SUPERUSER, PostgresServer
from coinsphere.market.candles import store as candle_store
from coinsphere.market.imports import importer
from coinsphere.market.model import Candle, Interval
from coinsphere.market.reference import tokens

HOUR = timedelta(hours=1)
START = datetime(2019, 1, 1, tzinfo=UTC)
MILLION = 1_000_000


def run() -> list[Measure]:
    """All figures, on a durable server and a database of their own."""
    with _database() as url:
        found = speed(url) | file_twice(url) | memory(url)
    return [
        Measure("candles loaded", found["candles_per_second"], "candles/s", 40_000, "higher"),
        Measure("the same again", found["candles_per_second_unchanged"], "candles/s"),
        Measure("a file imported", found["file_candles_per_second"], "candles/s", 40_000, "higher"),
        Measure("the same file again", found["same_file_rows_written"], "rows written", 0),
        Measure("peak memory of a million candles", found["load_peak_mb"], "MB", 300),
    ]


def speed(url: str, count: int = 400_000) -> dict[str, float]:
    """Load `count` hourly candles of 20 tokens from memory, and load them once more."""
    with psycopg.connect(url, autocommit=True) as conn:
        _make_real(conn)
        rows = list(_candles(conn, count))
        seconds, _ = _timed(conn, rows)
        again, written = _timed(conn, rows)
    return {
        "candles_per_second": len(rows) / seconds,
        "candles_per_second_unchanged": len(rows) / again,
        "rows_written_again": written,
    }


def file_twice(url: str, count: int = 60_000) -> dict[str, float]:
    """Import one file of hourly candles twice: the speed, reading included, and what each import writes."""
    with tempfile.TemporaryDirectory() as folder, psycopg.connect(url, autocommit=True) as conn:
        _make_real(conn)
        path = Path(folder) / "LTCUSDT_1h.csv"
        lines = (f"{START + n * HOUR:%Y-%m-%dT%H:%MZ},10.5,12.25,9.75,11,{n}" for n in range(count))
        path.write_text("\n".join(["date,open,high,low,close,volume", *lines]))
        started = time.perf_counter()
        first = importer.import_folder(conn, path)
        seconds = time.perf_counter() - started
        second = importer.import_folder(conn, path)
    return {
        "file_candles_per_second": count / seconds,
        "file_rows_written": first.written,
        "same_file_rows_written": second.written,
    }


def memory(url: str, count: int = MILLION) -> dict[str, float]:
    """Load `count` candles in a process of its own, and tell its peak."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.ingestion", url, str(count)],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[1],
    )
    return dict(json.loads(done.stdout))


@contextmanager
def _database() -> Iterator[str]:
    """The URL of its owner."""
    with database() as (server, _):
        yield server.url("coinsphere_owner")


@contextmanager
def database() -> Iterator[tuple[PostgresServer, int]]:
    """A migrated and seeded database on an embedded server that writes to the disk as the real one does, and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    passwords = {role: secrets.token_hex(8) for role in (SUPERUSER, *LOGIN_ROLES)}
    with tempfile.TemporaryDirectory() as folder:
        server = PostgresServer(Path(folder) / "data", port, passwords)
        server.initialise()
        with subprocess.Popen(server.command(), stderr=subprocess.DEVNULL) as process:
            try:
                server.wait_until_ready()
                server.provision()
                url = server.url("coinsphere_owner")
                migrate.upgrade(url)
                with psycopg.connect(url) as conn:
                    seeds.apply(conn)
                yield server, process.pid
            finally:
                # Not SIGTERM, upon which PostgreSQL waits for as long as anybody is connected.
                _end(process, signal.SIGINT)


def _end(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """End a server, by force where it does not within a minute."""
    process.send_signal(how)
    try:
        process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()


def _make_real(conn: psycopg.Connection) -> None:
    conn.execute("insert into market.origin (source) values ('files') on conflict do nothing")


def _candles(conn: psycopg.Connection, count: int) -> Iterator[Candle]:
    """Hourly candles whose prices have as many digits as real ones have."""
    followed = [token for token in tokens.active(conn) if token.symbol != "LTC"][:20]
    now = datetime.now(UTC)
    for token in followed:
        for n in range(count // len(followed)):
            low = Decimal(6_000_000 + n * 37 % 999_983).scaleb(-2)
            yield Candle(
                token_id=token.id,
                interval=Interval.HOUR,
                opened_at=START + n * HOUR,
                open=low + Decimal("10.37"),
                high=low + Decimal("55.11"),
                low=low,
                close=low + Decimal("20.05"),
                volume=Decimal(n * 7919 % 10_000_019).scaleb(-5),
                source="bench",
                is_final=True,
                observed_at=now,
            )


def _timed(conn: psycopg.Connection, rows: list[Candle]) -> tuple[float, int]:
    started = time.perf_counter()
    written = candle_store.load(conn, rows).written
    return time.perf_counter() - started, written


def _peak_mb() -> float:
    """The peak of this program alone: `getrusage` counts that of the process that started it, too."""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024


def _load(url: str, count: int) -> dict[str, float]:
    with psycopg.connect(url, autocommit=True) as conn:
        _make_real(conn)
        before = _peak_mb()
        written = candle_store.load(conn, _candles(conn, count)).written
    return {"load_peak_mb": _peak_mb(), "load_added_mb": _peak_mb() - before, "written": written}


if __name__ == "__main__":
    if sys.argv[1:]:
        print(json.dumps(_load(sys.argv[1], int(sys.argv[2]))))
    else:
        for measure in run():
            print(measure)
