"""The feed: what an update of a venue costs, and how long a price takes from a venue to a client of the stream.

The real feed and the real stream, each a process; three local venues send 2,000 updates a second for all seeded tokens.
"""

import asyncio
import itertools
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import psycopg
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import ClientConnection, connect

from bench.measure import Measure
from bench.serving import QUIET, cpu_seconds, stop, wait
from coinsphere.db import migrate, seeds
from coinsphere.db.provisioning import LOGIN_ROLES
from coinsphere.local.postgres import SUPERUSER, PostgresServer
from coinsphere.market.feed import states
from coinsphere.security.access_tokens import sign_access_token
from coinsphere.security.signing.file_keyring import FileKeyring
from coinsphere.settings import Settings
from tests.conftest import free_port
from tests.fakes.streams import Streams, streaming

_RATE = 2_000
_SECONDS = 40
_VENUES = ("binance", "kraken", "coinbase")
_CORE = 30.0


@dataclass(frozen=True, slots=True)
class _System:
    streams: Streams
    feed: int
    postgres: int
    figures: int
    url: str
    token: str
    symbols: list[str]


def run() -> list[Measure]:
    """CPU of the feed at 2,000 updates a second, and the time from a venue to a client."""
    with _system() as system:
        share, database, latencies = asyncio.run(_measured(system))
    latencies.sort()
    p99 = latencies[int(0.99 * len(latencies))]
    return [
        Measure("feed at 2,000 updates/s", share, "% of a core", target=_CORE),
        Measure("PostgreSQL under that feed", database, "% of a core"),
        Measure("venue to client, p50", latencies[len(latencies) // 2], "s"),
        Measure("venue to client, p99", p99, "s", target=1.0),
    ]


async def _measured(system: _System) -> tuple[float, float, list[float]]:
    """Parts of a core that the feed and PostgreSQL take at the rate, in percent, and seconds of each price to the client."""
    headers = {"Authorization": f"Bearer {system.token}"}
    async with connect(system.url, additional_headers=headers, proxy=None) as client:
        await client.send(json.dumps({"type": "subscribe", "symbols": system.symbols}))
        sent: dict[float, float] = {}
        latencies: list[float] = []
        reading = asyncio.create_task(_read(client, sent, latencies))
        await asyncio.to_thread(_speak, system, sent, 10.0)
        latencies.clear()
        before = cpu_seconds(system.feed), cpu_seconds(system.postgres), _heard(system)
        await asyncio.to_thread(_speak, system, sent, float(_SECONDS))
        spent = cpu_seconds(system.feed) - before[0], cpu_seconds(system.postgres) - before[1]
        updates = _heard(system) - before[2]
        reading.cancel()
    feed, database = (100 * _RATE * seconds / updates for seconds in spent)
    return feed, database, latencies


async def _read(client: ClientConnection, sent: dict[float, float], latencies: list[float]) -> None:
    """Note how long ago the venues said each price of Bitcoin that comes."""
    async for text in client:
        message = json.loads(text)
        if message["type"] == "price_update" and message["symbol"] == "BTC":
            said = sent.get(message["price"])
            if said is not None:
                latencies.append(time.monotonic() - said)


def _heard(system: _System) -> float:
    """How many updates the feed has heard; it must not have lost a venue meanwhile."""
    url = f"http://127.0.0.1:{system.figures}/metrics"
    told = {"updates": 0.0, "breaks": 0.0}
    for family in text_string_to_metric_families(httpx2.get(url, timeout=30).text):
        name = family.name.removeprefix("coinsphere_feed_")
        if name in told:
            told[name] = sum(each.value for each in family.samples)
    if told["breaks"]:
        raise RuntimeError("a venue's stream broke")
    return told["updates"]


def _speak(system: _System, sent: dict[float, float], seconds: float) -> None:
    """Let the venues stream a new price of all tokens as often as makes the rate."""
    pause = len(_VENUES) * len(system.symbols) / _RATE
    began = time.monotonic()
    for updates in itertools.count():
        now = time.monotonic()
        if now - began > seconds:
            return
        price = round(100 + (len(sent) % 100_000) / 1000, 3)
        sent[price] = now
        for name in _VENUES:
            system.streams.say(name, **dict.fromkeys(system.symbols, str(price)))
        time.sleep(max(0.0, began + (updates + 1) * pause - time.monotonic()))


@contextmanager
def _system() -> Iterator[_System]:
    """A database of its own, the feed and the stream on it, and the venues."""
    passwords = {role: secrets.token_hex(12) for role in (SUPERUSER, *LOGIN_ROLES)}
    with tempfile.TemporaryDirectory(prefix="coinsphere-bench-") as folder, streaming() as streams:
        home = Path(folder)
        home.chmod(0o755)
        postgres = PostgresServer(home / "postgres" / "data", free_port(), passwords)
        (home / "postgres").mkdir()
        postgres.initialise()
        processes = [subprocess.Popen(postgres.command(), **QUIET)]
        try:
            postgres.wait_until_ready()
            postgres.provision()
            owner = postgres.url("coinsphere_owner")
            migrate.upgrade(owner)
            symbols, token = _prepared(owner, home)
            for name in _VENUES:
                streams.add(name, **dict.fromkeys(symbols, "100.0"))
            for name in ("kraken", "coinbase"):
                streams.venues[name].prices["USDT"] = "1.0"
            port = free_port()
            variables = _variables(home, streams, port)
            figures = int(variables["COINSPHERE_FEED_METRICS_PORT"])
            for module, role in (("feed", "pipeline"), ("stream", "api")):
                own = variables | {"COINSPHERE_DATABASE_URL": postgres.url(f"coinsphere_{role}")}
                command = [sys.executable, "-m", f"coinsphere.{module}"]
                processes.append(subprocess.Popen(command, env=own, **QUIET))
            wait(f"http://127.0.0.1:{port}/health")
            _wait_until_heard(owner)
            url = f"ws://127.0.0.1:{port}/api/v1/ws"
            feed, server = processes[1].pid, processes[0].pid
            yield _System(streams, feed, server, figures, url, token, symbols)
        finally:
            for process in reversed(processes):
                stop(process)


def _prepared(owner: str, home: Path) -> tuple[list[str], str]:
    """The tokens whose prices move, and a user's access token."""
    settings, now = Settings(home=home), datetime.now(UTC)
    with psycopg.connect(owner) as conn:
        seeds.apply(conn)
        conn.execute("insert into market.origin (source) values ('live')")
        rows = conn.execute(
            "select symbol from market.tokens where is_active and peg_usd is null order by symbol"
        ).fetchall()
        (user,) = conn.execute(
            "insert into app.users (email, password_hash) values ('bench@example.org', 'x') returning id"
        ).fetchone() or (None,)
        (session,) = conn.execute(
            "insert into app.sessions (user_id, expires_at) values (%s, now() + interval '1 day') returning id",
            [user],
        ).fetchone() or (None,)
    (home / "keys").mkdir(mode=0o700)
    token = sign_access_token(
        FileKeyring(home / "keys"),
        user,
        session,
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        now=now,
        life=timedelta(minutes=30),
    )
    return [symbol for (symbol,) in rows], token


def _variables(home: Path, streams: Streams, port: int) -> dict[str, str]:
    given = {
        "HOME": str(home / "state"),
        "JWT_KEYS_DIR": str(home / "keys"),
        "MARKET_EXCHANGES": ",".join(_VENUES),
        "EXCHANGE_BASE_URL": streams.url,
        "STREAM_PORT": str(port),
        "STREAM_METRICS_PORT": str(free_port()),
        "FEED_METRICS_PORT": str(free_port()),
        "LOG_LEVEL": "WARNING",
    }
    own = {k: v for k, v in os.environ.items() if not k.startswith("COINSPHERE_")}
    return own | {f"COINSPHERE_{name}": value for name, value in given.items()}


def _wait_until_heard(owner: str) -> None:
    with psycopg.connect(owner, autocommit=True) as conn:
        for _ in range(600):
            found = states.venues(conn)
            if len(found) == len(_VENUES) and all(each.state == "streaming" for each in found):
                return
            time.sleep(0.1)
    raise TimeoutError("the feed does not hear the venues")
