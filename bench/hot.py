"""What hot reads cost in CPU, of the API, PostgreSQL and Redis together, beside a bare Flask route with the same bytes.

The floor is Flask in gunicorn's own threaded worker: no login, no limit, no log. What a request costs moves with what else
the machine does, and only up: so both run on the same core and are read in turns, a short slice each, and the least of each
counts. They are read over one connection: of 16, how many come at once is up to chance, and changes the cost. The model server is a stand-in that answers at once, and its CPU is not counted.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import psycopg

from bench.measure import Measure
from bench.serving import QUIET, ROOT, Serving, cpu_seconds, served, stop, wait
from tests.conftest import free_port

V1 = "/api/v1"
CONNECTIONS = 16
SLICE_SECONDS = 0.5
PAIRS = 15
WARM_SECONDS = 1.5
RATE_SECONDS = 3.0
TOKENS = 31
DAYS = 2000
_TARGETS_MS = {
    "/tokens": None,
    "/tokens/T00": None,
    "/auth/me": 0.8,
    "/predictions/T00": 2.0,
    "/portfolios/{id}": 2.0,
}
_FLOOR_TARGET = {"/tokens": 1.2, "/tokens/T00": 1.2}


@dataclass(frozen=True)
class Way:
    """An address, who asks for it, and what says how much CPU its answers have taken so far."""

    url: str
    token: str
    path: str
    cpu_seconds: Callable[[], float]

    def cost(self) -> float:
        """Milliseconds of CPU a request, of those that one connection asks within a slice."""
        before = self.cpu_seconds()
        count = reads(self.url, self.token, SLICE_SECONDS, self.path, connections=1)
        return 1000 * (self.cpu_seconds() - before) / count


def run() -> list[Measure]:
    """CPU in milliseconds a request, and how many times the floor of the same bytes."""
    with ExitStack() as stack:
        ml = stack.enter_context(model_server())
        with on_one_core():
            serving = stack.enter_context(served(ML_URL=ml, LOG_LEVEL="INFO"))
        seed(serving)
        with httpx2.Client(base_url=serving.url, timeout=30) as client:
            token, portfolio = reader(client)
        with psycopg.connect(serving.database_url, autocommit=True) as conn:
            # Without statistics PostgreSQL compares each holding with each position, which it does in no system that is in use.
            conn.execute("analyze")
        paths = {path: V1 + path.replace("{id}", portfolio) for path in _TARGETS_MS}
        return [
            measure
            for path, address in paths.items()
            for measure in _measures(path, Way(serving.url, token, address, serving.cpu_seconds))
        ]


def _measures(path: str, ours: Way) -> list[Measure]:
    headers = {"Authorization": f"Bearer {ours.token}"}
    body = httpx2.get(ours.url + ours.path, headers=headers).raise_for_status().content
    with _floor(body) as floor:
        for each in (ours, floor):
            reads(each.url, each.token, WARM_SECONDS, each.path)
        pairs = [(ours.cost(), floor.cost()) for _ in range(PAIRS)]
    rate = reads(ours.url, ours.token, RATE_SECONDS, ours.path) / RATE_SECONDS
    cost, bare = map(min, zip(*pairs, strict=True))
    label = f"GET {path}, one connection, closed:"
    return [
        Measure(f"{label} CPU of all server parts", cost, "ms", _TARGETS_MS[path]),
        Measure(f"{label} CPU of a bare Flask route, same bytes", bare, "ms"),
        Measure(f"{label} over the floor", cost / bare, "times", _FLOOR_TARGET.get(path)),
        Measure(
            f"GET {path}, {CONNECTIONS} connections, closed, on one core: rate", rate, "requests/s"
        ),
    ]


@contextmanager
def _floor(body: bytes) -> Iterator[Way]:
    """A bare Flask route that answers with `body`, as long as the block lasts."""
    port = free_port()
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(body)
        options = ["--worker-class", "gthread", "--workers", "2", "--threads", "8"]
        command = ["-m", "gunicorn", "--bind", f"127.0.0.1:{port}", *options, "bench.bare:app"]
        variables = os.environ | {"BENCH_BODY": file.name}
        with on_one_core():
            process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=variables, **QUIET)
        url = f"http://127.0.0.1:{port}"
        try:
            wait(f"{url}/any")
            yield Way(url, "none", "/any", partial(cpu_seconds, process.pid))
        finally:
            stop(process)


@contextmanager
def on_one_core() -> Iterator[None]:
    """What is started within runs on one core, all its life: to be moved between cores costs CPU, by chance."""
    usual = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(usual)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, usual)


def reads(
    url: str, token: str, seconds: float, path: str, *, connections: int = CONNECTIONS
) -> int:
    """How many were answered."""
    arguments = ["reads", url, token or "none", str(seconds), str(connections), "--path", path]
    command = [sys.executable, "-m", "bench.load", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT, timeout=90)
    return len(json.loads(done.stdout))


def reader(client: httpx2.Client) -> tuple[str, str]:
    """An account's token, and its portfolio of 20 tokens."""
    account = {"email": "reader@example.com", "password": "correct horse battery staple"}
    made = client.post(f"{V1}/auth/register", json=account).raise_for_status().json()
    client.headers["Authorization"] = f"Bearer {made['accessToken']}"
    portfolio = client.post(f"{V1}/portfolios", json={"name": "mine"}).raise_for_status().json()
    address = f"{V1}/portfolios/{portfolio['portfolio']['id']}/holdings"
    for number in range(20):
        client.post(address, json={"tokenSymbol": f"T{number:02}", "amount": 1}).raise_for_status()
    return str(made["accessToken"]), str(portfolio["portfolio"]["id"])


def seed(serving: Serving) -> None:
    """Tokens with quotes, and indicators of each."""
    with psycopg.connect(serving.database_url, autocommit=True) as conn:
        conn.execute(_SEED, {"tokens": TOKENS})
        add_indicators(conn)
        conn.execute("analyze")


def add_indicators(conn: psycopg.Connection) -> None:
    """`DAYS` of indicators of each token, in a table of the mart's name."""
    conn.execute("create schema if not exists marts")
    conn.execute(_FEATURES, {"days": DAYS})
    conn.execute("create unique index on marts.ml_features_daily (token_id, price_date)")
    conn.execute("grant usage on schema marts to coinsphere_api")
    conn.execute("grant select on all tables in schema marts to coinsphere_api")


_SEED = """
    with made as (
        insert into market.tokens (symbol, name, blockchain)
        select 'T' || lpad(n::text, 2, '0'), 'Token ' || n, 'none'
        from generate_series(0, %(tokens)s - 1) as n
        returning id, symbol
    )
    insert into market.quotes (token_id, price, volume_24h, market_cap, change_24h, source, observed_at)
    select id, 100, 1000, 1000000, 1.5, 'simulated', now() from made
"""
_FEATURES = """
    create table marts.ml_features_daily as
    select
        t.id as token_id, d::date as price_date, 100.0::numeric(38, 18) as close, 50.0::float8 as rsi_14, 1.0::float8 as macd,
        0.5::float8 as macd_signal, 110.0::float8 as bollinger_upper, 100.0::float8 as bollinger_middle,
        90.0::float8 as bollinger_lower, 1.1::float8 as volume_ratio_30d, true as is_final
    from market.tokens t, generate_series(now() - make_interval(days => %(days)s), now(), interval '1 day') as d;
"""


@contextmanager
def model_server(symbol: str = "T00") -> Iterator[str]:
    """The address of a server that speaks the model server's protocol, and knows one forecast of one token."""
    now = datetime.now(UTC)
    body = json.dumps({**_forecast(now), "symbol": symbol}).encode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def _forecast(now: datetime) -> dict[str, object]:
    at = {"originAt": now, "anchoredAt": now, "issuedAt": now, "targetAt": now + timedelta(days=1)}
    return {
        "daysAhead": 1,
        "algorithm": "seasonal",
        "referencePrice": 100,
        **{name: moment.isoformat() for name, moment in at.items()},
        "quantiles": {"0.025": 80, "0.1": 90, "0.5": 100, "0.9": 110, "0.975": 120},
        "model": {
            "rung": "global_champion",
            "name": "g",
            "version": 1,
            "runId": "r",
            "trainedAt": now.isoformat(),
            "dataCutoff": now.isoformat(),
            "codeVersion": "c",
        },
        "quality": {
            "coverage80": 0.8,
            "coverage95": 0.95,
            "skillVsNaive": 0.0,
            "evaluatedOn": "walk-forward",
            "inDistribution": True,
            "beatsNaive": True,
            "validated": True,
            "reason": None,
        },
        "expiresAt": (now + timedelta(days=1)).isoformat(),
        "stale": False,
        "priceSource": "simulated",
    }
