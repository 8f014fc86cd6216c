"""How soon 5,000 clients of the stream have a new quote, and what each of them takes: `python -m bench stream`.

The clients run on the same two cores, in one process that reads and does nothing else (`bench.followers`); what they take is told.
"""

import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass

import psutil
import psycopg

from bench.capacity.reads import readers
from bench.measure import Measure
from bench.serving import ROOT, Serving, cpu_seconds, served, streaming
from coinsphere.db import seeds

CLIENTS = 5_000
TICKS = 20
_SYMBOLS = ["BTC", "ETH", "SOL"]
_FIRST = 1_000
"""Price of the first tick, in dollars."""
_USERS = """
    insert into app.users (id, email, password_hash, email_verified)
        select md5('user' || n)::uuid, n || '@bench.example', 'x', true from generate_series(1, %(count)s) as n;
"""
_SESSIONS = """
    insert into app.sessions (id, user_id, expires_at)
        select md5('session' || n)::uuid, md5('user' || n)::uuid, now() + interval '1 day' from generate_series(1, %(count)s) as n
"""
_QUOTES = """
    insert into market.quotes (token_id, price, source, observed_at)
    select id, %(price)s, 'bench', now() from market.tokens where symbol = any(%(symbols)s)
    on conflict (token_id) do update set price = excluded.price, observed_at = excluded.observed_at
"""


@dataclass(frozen=True)
class _Figures:
    """Seconds from quote to client, sorted; kilobytes a client; microseconds of CPU a message, the server's and the clients'."""

    latencies: list[float]
    kilobytes: float
    server: float
    clients: float
    lost: int

    def at(self, share: float) -> float:
        """The latency that so large a share of messages does not exceed."""
        return self.latencies[int(share * (len(self.latencies) - 1))]


def run() -> list[Measure]:
    """A quote of three tokens a second, for so many seconds."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with served() as serving:
        _prepare(serving)
        got = _followed(serving)
    name = f"stream, {CLIENTS:,} clients:"
    missing = CLIENTS * TICKS * len(_SYMBOLS) - len(got.latencies)
    return [
        Measure(f"{name} quote to client, p50", 1000 * got.at(0.5), "ms"),
        Measure(f"{name} quote to client, p99", 1000 * got.at(0.99), "ms", target=300),
        Measure(f"{name} memory of each", got.kilobytes, "kB", target=20),
        Measure(f"{name} CPU a message", got.server, "µs"),
        Measure(f"{name} CPU of the clients a message", got.clients, "µs"),
        Measure(f"{name} connections lost", got.lost, "", target=0),
        Measure(f"{name} messages missing", missing, "", target=0),
    ]


def _prepare(serving: Serving) -> None:
    with psycopg.connect(serving.superuser_url) as conn:
        seeds.apply(conn)
        conn.execute(_USERS, {"count": CLIENTS})
        conn.execute(_SESSIONS, {"count": CLIENTS})
        _say(conn, _FIRST - 1)


def _say(conn: psycopg.Connection, price: int) -> None:
    conn.execute(_QUOTES, {"price": price, "symbols": _SYMBOLS})
    conn.commit()


def _followed(serving: Serving) -> _Figures:
    """Of a stream of its own."""
    with streaming(serving) as (url, pid):
        return _measured(serving, pid, url)


def _measured(serving: Serving, pid: int, url: str) -> _Figures:
    tokens = [each.token for each in readers(serving, CLIENTS, CLIENTS)]
    alone = psutil.Process(pid).memory_full_info().uss
    with subprocess.Popen(
        [sys.executable, "-m", "bench.followers", url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as crowd:
        if crowd.stdin is None or crowd.stdout is None:
            raise AssertionError("asked for")
        print(json.dumps({"tokens": tokens, "symbols": _SYMBOLS}), file=crowd.stdin, flush=True)
        if crowd.stdout.readline() != "READY\n":
            raise RuntimeError("the clients did not get in")
        spent = cpu_seconds(pid), cpu_seconds(crowd.pid)
        said = _tick(serving)
        spent = cpu_seconds(pid) - spent[0], cpu_seconds(crowd.pid) - spent[1]
        grown = psutil.Process(pid).memory_full_info().uss - alone
        told = json.loads(crowd.communicate("enough\n")[0])
    latencies = sorted(at - said[price] for at, price in told["prices"] if price in said)
    server, clients = (1e6 * seconds / len(latencies) for seconds in spent)
    return _Figures(latencies, grown / 1000 / CLIENTS, server, clients, told["lost"])


def _tick(serving: Serving) -> dict[float, float]:
    """A price of all tokens each second; when each was written."""
    said: dict[float, float] = {}
    with psycopg.connect(serving.database_url) as conn:
        began = time.monotonic()
        for tick in range(TICKS):
            said[float(_FIRST + tick)] = time.time()
            _say(conn, _FIRST + tick)
            time.sleep(max(0.0, began + tick + 1 - time.monotonic()))
    time.sleep(2)
    return said
