"""How long the model server takes to answer over HTTP, token and newest quote from a real PostgreSQL.

It is a process of its own, guarded and counted as `ml.serving.server` is: in the client's, each would wait for the other's
interpreter lock.
"""

import contextlib
import multiprocessing
import secrets
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from uuid import UUID

import httpx2
import numpy as np
import psutil
import psycopg
from pydantic import SecretStr

from bench import made_up, serving
from bench.measure import Measure
from coinsphere import garbage
from coinsphere.clock import utc_now
from coinsphere.db import migrate, seeds
from coinsphere.db.provisioning import LOGIN_ROLES
from coinsphere.local.postgres import SUPERUSER, PostgresServer
from coinsphere.observability import asgi_server
from coinsphere.settings import Settings
from ml.data import panel
from ml.data.features import NAMES
from ml.data.horizons import HORIZONS
from ml.evaluation.conformal import Conformal
from ml.evaluation.figures import Figures
from ml.models.combination import Combination
from ml.models.novelty import Novelty
from ml.registry.global_registry import Loaded
from ml.registry.global_version import GlobalFacts, GlobalVersion
from ml.serving.champions import Champions
from ml.serving.global_forecasts import GlobalForecasts
from ml.serving.server import create_app, reading_pool
from ml.training import child_processes

_WARM_UP, _REQUESTS = 50, 1000
_WAIT = 30.0
"""Seconds after which a part that does not answer is given up."""
_CLOSES = """
    create table marts.ml_features_daily (
        token_id uuid, price_date date, close_at timestamptz, close numeric, is_final boolean, is_filled boolean,
        primary key (token_id, price_date)
    );
    insert into marts.ml_features_daily
    select id, day, day + interval '1 day', 1.5, true, false
    from market.tokens, generate_series(current_date - 1500, current_date - 1, interval '1 day') day;
    grant select on marts.ml_features_daily to coinsphere_pipeline;
    analyze marts.ml_features_daily;
"""
"""What an answer reads of the mart, which dbt makes: the closes of 1,500 days."""


@dataclass(frozen=True, slots=True)
class _Served:
    """A model server that answers: its port, its process, what opens it, and whom it knows."""

    port: int
    process: psutil.Process
    headers: dict[str, str]
    symbols: list[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def answers(model: Combination) -> list[Measure]:
    """Latency of live answers over HTTP: token and newest quote from a real PostgreSQL, outlooks held by the server.

    By Python's plainest client on one connection, so that the server is measured; and by the API's, which computes more itself.
    """
    with (
        _server(model) as served,
        contextlib.closing(HTTPConnection("127.0.0.1", served.port, timeout=_WAIT)) as plain,
        httpx2.Client(base_url=served.url, headers=served.headers, timeout=_WAIT) as client,
    ):
        ways = (partial(_plainly, plain, served.headers), partial(_by_client, client))
        for ask in ways:
            _times(ask, served.symbols, _WARM_UP)
        began = _cpu_seconds(served.process)
        times = _times(ways[0], served.symbols, _REQUESTS)
        cpu = 1000 * (_cpu_seconds(served.process) - began) / _REQUESTS
        by_client = statistics.median(_times(ways[1], served.symbols, _REQUESTS))
    p99 = float(np.quantile(times, 0.99))
    return [
        Measure("live answer of the model server, p50", statistics.median(times), "ms", target=1.0),
        Measure("live answer of the model server, p99", p99, "ms", target=4.0),
        Measure("live answer as the API's client has it, p50", by_client, "ms"),
        Measure("live answer, server and plain client together", cpu, "CPU ms"),
    ]


def _cpu_seconds(server: psutil.Process) -> float:
    """Of this process, the client's, and the server's."""
    used = server.cpu_times()
    return time.process_time() + float(used.user + used.system)


def _times(ask: Callable[[str], int], symbols: list[str], requests: int) -> list[float]:
    """Milliseconds of each of so many requests, one after the other."""
    times = []
    for number in range(requests):
        path = f"/predict/{symbols[number % len(symbols)]}?days=7"
        began = time.perf_counter()
        status = ask(path)
        times.append(1000 * (time.perf_counter() - began))
        assert status == httpx2.codes.OK, path
    return times


def _plainly(connection: HTTPConnection, headers: dict[str, str], path: str) -> int:
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def _by_client(client: httpx2.Client, path: str) -> int:
    return client.get(path).status_code


@contextlib.contextmanager
def _server(model: Combination) -> Iterator[_Served]:
    """The model server on a database of its own, with a fresh quote of each seeded token."""
    passwords = {role: secrets.token_hex(8) for role in (SUPERUSER, *LOGIN_ROLES)}
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w") as log:
        postgres = PostgresServer(Path(folder) / "data", _free_port(), passwords, durable=False)
        postgres.initialise()
        with subprocess.Popen(postgres.command(), stdout=log, stderr=log) as process:
            try:
                postgres.wait_until_ready()
                postgres.provision()
                owner = postgres.url("coinsphere_owner")
                migrate.upgrade(owner)
                ids = _quoted(owner)
                settings = Settings(
                    database_url=SecretStr(postgres.url("coinsphere_pipeline")),
                    service_token=SecretStr(secrets.token_hex(16)),
                    ml_port=_free_port(),
                )
                with _serving(settings, model, ids) as served:
                    yield served
            finally:
                _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_WAIT)
    except subprocess.TimeoutExpired:
        process.kill()


def _quoted(owner: str) -> dict[str, UUID]:
    with psycopg.connect(owner) as conn:
        seeds.apply(conn)
        conn.execute(
            "insert into market.quotes (token_id, price, source, observed_at) select id, 1.5, 'bench', now() from market.tokens"
        )
        conn.execute(_CLOSES)
        return dict(conn.execute("select symbol, id from market.tokens").fetchall())


@contextlib.contextmanager
def _serving(settings: Settings, model: Combination, ids: dict[str, UUID]) -> Iterator[_Served]:
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_serve, args=(settings, model, ids), daemon=True)
    process.start()
    try:
        served = _Served(
            settings.ml_port,
            psutil.Process(process.pid),
            settings.service_headers,
            sorted(ids),
        )
        serving.wait(f"{served.url}/health")
        yield served
    finally:
        process.terminate()
        process.join(_WAIT)


def _serve(settings: Settings, model: Combination, ids: dict[str, UUID]) -> None:
    child_processes.end_with_parent()
    database = reading_pool(settings)
    everyone = GlobalForecasts(settings, database, utc_now)
    everyone.hold(_loaded(model), _renamed(sorted(ids)), ids)
    app = create_app(settings, database=database, champions=Champions(settings), everyone=everyone)
    garbage.spare_what_is_loaded()
    asgi_server.serve(app, settings, "ml", settings.ml_port, log_level="error", public=("/health",))


def _loaded(model: Combination) -> Loaded:
    row: dict[str, object] = dict.fromkeys(Figures.__dataclass_fields__, 0.0) | {
        "pit_histogram": []
    }
    figures = {"start": "-", "last": "-", "horizons": {str(each): row for each in HORIZONS}}
    facts = GlobalFacts(
        "combination", "bench", utc_now(), utc_now(), "0" * 64, "bench", "bench", ""
    )
    novelty = Novelty(np.zeros(len(NAMES) - 3), np.eye(len(NAMES) - 3), 1e9)
    return Loaded(1, GlobalVersion(facts, model, Conformal.untouched(), novelty, figures))


def _renamed(symbols: list[str]) -> panel.Panel:
    """The market with the seeded symbols, its last day being yesterday."""
    made = made_up.market(len(symbols))
    shift = np.datetime64(utc_now().date(), "D") - 1 - made.days[-1]
    return replace(made, symbols=tuple(symbols), days=made.days + shift)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
