"""Portfolios of 500, 15,000 and 400,000 transactions: rebuilds, changes, imports and reads, and how cost grows."""

import json
import math
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import psycopg
from apiflask import APIFlask
from pydantic import SecretStr

from bench.filling import ASSETS, FIRST, LONGEST, NOW, YEARS, add_user, connect, fill, prepare
from bench.ingestion import _end, database
from bench.measure import Measure
from coinsphere import log
from coinsphere.local.postgres import PostgresServer
from coinsphere.local.redis import RedisServer
from coinsphere.portfolio import recording
from coinsphere.portfolio.imports import batches, importing
from coinsphere.portfolio.jobs import recompute
from coinsphere.portfolio.ledger.transactions import NewFact
from coinsphere.portfolio.model import Kind
from coinsphere.settings import Settings
from webapi.app import create_app
from webapi.services import EXTENSION

SIZES = (500, 15_000, 400_000)
READS = {
    "": "GET /portfolios/ID",
    "/performance?days=365": "GET /portfolios/ID/performance of a year",
    f"/performance?days={365 * YEARS}": f"GET /portfolios/ID/performance of {YEARS} years",
}
READ_TARGETS = {15_000: 50.0, 400_000: 150.0}
REBUILD_TARGETS = {15_000: 10.0, 400_000: 120.0}
CHANGE_TARGETS = {15_000: 1.0}
ROUNDS = 200
OWNER = "coinsphere_owner"


def rebuild(url: str, user_id: UUID) -> dict[str, float]:
    """A full rebuild in a process of its own: seconds, seconds of CPU, and its peak memory in MB."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.rebuild", url, str(user_id), NOW.isoformat()],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[1],
        timeout=LONGEST,
    )
    return dict(json.loads(done.stdout))


def change_seconds(
    conn: psycopg.Connection, user_id: UUID, portfolio_id: UUID, token: UUID
) -> float:
    """From the commit of a purchase of yesterday until values show it."""
    started = time.perf_counter()
    new = NewFact(portfolio_id, Kind.BUY, token, Decimal(1), NOW - timedelta(days=1), Decimal(100))
    with conn.transaction():
        recording.record(conn, user_id, [new], NOW)
    recompute.update(conn, user_id, NOW)
    return time.perf_counter() - started


def import_seconds(conn: psycopg.Connection, name: str, rows: int = 100_000) -> float:
    """From the worker's start on a confirmed file until its last row is booked and valued."""
    user_id, portfolio_id = add_user(conn, name)
    lines = (
        f"{(FIRST + n * timedelta(hours=1)).isoformat()},buy,BENCH{1 + n % ASSETS},{n % 997 + 1}.5,{n % 89 + 1}.25,USD"
        for n in range(rows)
    )
    content = "\n".join(["date,type,token,amount,price,currency", *lines])
    batch_id = batches.start(
        conn, user_id, portfolio_id, form="coinsphere", content=content.encode()
    )
    batches.confirm(conn, user_id, portfolio_id, batch_id)
    started = time.perf_counter()
    importing.run(conn, batch_id, lambda: NOW)
    seconds = time.perf_counter() - started
    done = batches.get(conn, user_id, portfolio_id, batch_id)
    assert done is not None
    assert done.rows_imported == rows, done
    return seconds


@contextmanager
def _reader(postgres: PostgresServer) -> "Iterator[Reader]":
    """The API in its role on the benchmark's database, and a way to open a session for a user of it."""
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder) / "redis.conf", _free_port(), secrets.token_hex(8))
        server.initialise()
        with subprocess.Popen(server.command(), stdout=subprocess.DEVNULL) as process:
            try:
                time.sleep(1)
                settings = Settings(
                    home=Path(folder),
                    database_url=SecretStr(postgres.url("coinsphere_api")),
                    redis_url=SecretStr(server.url),
                    log_level="ERROR",
                    rate_limit_api=10**9,
                )
                log.configure("ERROR")
                app = create_app(settings, clock=lambda: NOW)
                yield Reader(app, postgres.url(OWNER))
                app.extensions[EXTENSION].close()
            finally:
                _end(process, signal.SIGTERM)


class Reader:
    """Asks the API for a portfolio, in the process of the benchmark."""

    def __init__(self, app: APIFlask, url: str) -> None:
        self._client = app.test_client()
        self._url = url

    def p99(self, portfolio_id: UUID, user_id: UUID, path: str, rounds: int = ROUNDS) -> float:
        """Milliseconds that 99 of 100 answers take at most."""
        headers = self._session(user_id)
        taken = []
        for _ in range(rounds):
            started = time.perf_counter()
            answer = self._client.get(f"/api/v1/portfolios/{portfolio_id}{path}", headers=headers)
            taken.append(1000 * (time.perf_counter() - started))
            assert answer.status_code == 200, answer.text
        return sorted(taken)[int(0.99 * rounds) - 1]

    def _session(self, user_id: UUID) -> dict[str, str]:
        """A session of an account that takes the user's place: its portfolio is handed over in the bench only."""
        body = {"email": f"{secrets.token_hex(6)}@bench.example", "password": secrets.token_hex(12)}
        answer = self._client.post("/api/v1/auth/register", json=body)
        assert answer.status_code == 201, answer.text
        with connect(self._url) as conn:
            conn.execute(
                "update app.sessions set user_id = %s where user_id = %s",
                [user_id, answer.json["user"]["id"]],
            )
        return {"Authorization": f"Bearer {answer.json['accessToken']}"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def exponent(sizes: tuple[int, ...], seconds: list[float]) -> float:
    """The slope of log time over log size: 1 is linear."""
    xs, ys = [math.log(size) for size in sizes], [math.log(each) for each in seconds]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / sum(
        (x - mean_x) ** 2 for x in xs
    )


def run(sizes: tuple[int, ...] = SIZES) -> list[Measure]:
    """All figures, on a durable server and a database of their own."""
    measures: list[Measure] = []
    costs: dict[str, list[float]] = defaultdict(list)
    with (
        database() as (postgres, _),
        _reader(postgres) as reader,
        connect(postgres.url(OWNER)) as conn,
    ):
        url = postgres.url(OWNER)
        tokens = prepare(conn)
        for size in sizes:
            for measure in _of_size(url, conn, reader, tokens, size):
                measures.append(measure)
                costs[measure.name.rpartition(" at ")[0]].append(measure.value)
        measures.append(Measure("import of 100,000 rows", import_seconds(conn, "imports"), "s", 60))
    if len(sizes) > 1:
        grown = ("full rebuild", *(f"p99 of {name}" for name in READS.values()))
        measures += [
            Measure(f"exponent of growth: {name}", exponent(sizes, costs[name]), "", 1.0)
            for name in grown
        ]
    return measures


def _of_size(
    url: str, conn: psycopg.Connection, reader: Reader, tokens: list[UUID], size: int
) -> Iterator[Measure]:
    """The figures of a portfolio of so many transactions."""
    at = f"at {size:,} transactions"
    user_id, portfolio_id = fill(conn, f"of{size}", tokens, size)
    conn.execute("vacuum analyze app.transactions, app.ledger_entries")
    found = rebuild(url, user_id)
    yield Measure(f"full rebuild {at}", found["seconds"], "s", REBUILD_TARGETS.get(size))
    yield Measure(f"CPU of its own process {at}", found["cpu"], "s")
    yield Measure(f"peak memory of it {at}", found["peak"], "MB", 1000)
    change = change_seconds(conn, user_id, portfolio_id, tokens[0])
    name = f"a change at the end until values show it {at}"
    yield Measure(name, change, "s", CHANGE_TARGETS.get(size))
    for path, name in READS.items():
        taken = reader.p99(portfolio_id, user_id, path)
        yield Measure(f"p99 of {name} {at}", taken, "ms", READ_TARGETS.get(size))


if __name__ == "__main__":
    for measure in run(tuple(int(size) for size in sys.argv[1:]) or SIZES):
        print(measure)
