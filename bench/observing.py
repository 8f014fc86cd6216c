"""What watching the API costs: figures for Prometheus, and traces at a tenth, as ratios of CPU; and reads during a backup.

Four APIs run side by side on one core: one that counts nothing, one as it is, and two that know a collector besides, of which
one tells each trace and one none: of a tenth, how many fall into a slice would be up to chance. They are asked in turns, a
short slice each, and the least of each counts, as in `bench.hot`. CPU is of API, PostgreSQL and Redis together; with the
cores full, throughput is its inverse. The collector's CPU is not counted.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx2
import psutil
import psycopg

from bench.hot import V1, Way, on_one_core, reader, reads, seed
from bench.measure import Measure
from bench.serving import QUIET, ROOT, Serving, cpu_seconds, served, stop
from tests.conftest import free_port
from tests.fakes.collector import collector

SLICES = 12
_SCRAPED_SECONDS = 15
"""As `deploy/prometheus/prometheus.yml` says."""
_PATHS = ("/auth/me", "/tokens", "/portfolios/{id}")
_SLICE_SECONDS = 6.0
"""Longer than the time after which what is new is stored: what waited while all was held falls into the slice behind."""
_PAIRS = 8
"""At most. The backup gets the cores that nobody else wants: where reads take them all it goes on for many minutes."""
_BALLAST = """
    create table app.bench_ballast as
    select n, md5(n::text) || md5((-n)::text) as text from generate_series(1, 2_000_000) as n
"""
"""200 MB: of what a migrated database weighs alone, a backup is made before anybody could count."""


def run() -> list[Measure]:
    """Ratios to the same API without, beside their targets."""
    return [*_watching(), *_backing_up()]


def _watching() -> list[Measure]:
    with collector() as told, ExitStack() as stack:
        traced = {"TRACES_URL": told.url}
        apis = {
            "nothing": _watched(stack, application="bench.uncounted:app"),
            "figures": _watched(stack),
            "left out": _watched(stack, **traced, TRACES_SHARE="0.000001"),
            "told": _watched(stack, **traced, TRACES_SHARE="1"),
        }
        costs = _least(apis)
        scrape = min(_scrape(apis["figures"]) for _ in range(SLICES))
        assert told.spans, "no trace was told"
    figures = (
        costs["figures"] / costs["nothing"] - 1 + scrape / _SCRAPED_SECONDS / (os.cpu_count() or 1)
    )
    tenth = 0.9 * costs["left out"] + 0.1 * costs["told"]
    label = "CPU of all server parts, a mix of reads at one connection:"
    return [
        Measure(f"{label} nothing counted", costs["nothing"], "ms"),
        Measure(f"{label} figures, scraped every {_SCRAPED_SECONDS} s", 100 * figures, "% more", 5),
        Measure(f"{label} a trace that is not told", costs["left out"] - costs["figures"], "ms"),
        Measure(f"{label} a trace that is told", costs["told"] - costs["figures"], "ms"),
        Measure(
            f"{label} traces at a tenth besides", 100 * (tenth / costs["figures"] - 1), "% more", 15
        ),
    ]


def _watched(stack: ExitStack, **settings: str) -> Serving:
    """An API and its servers, on one core. `settings` as of `served`."""
    with on_one_core():
        return stack.enter_context(served(LOG_LEVEL="INFO", **settings))


def _least(apis: dict[str, Serving]) -> dict[str, float]:
    """Milliseconds of CPU a read by API, the mean of all paths: of each the least of slices that are read in turns."""
    ways = {name: _ways(serving) for name, serving in apis.items()}
    least = {name: [float("inf")] * len(_PATHS) for name in apis}
    for _ in range(SLICES):
        for place in range(len(_PATHS)):
            for name in apis:
                least[name][place] = min(least[name][place], ways[name][place].cost())
    return {name: statistics.mean(costs) for name, costs in least.items()}


def _ways(serving: Serving) -> list[Way]:
    token, paths = _prepared(serving)
    return [Way(serving.url, token, path, serving.cpu_seconds) for path in paths]


def _scrape(serving: Serving) -> float:
    """Seconds of CPU that it takes to tell the figures once, as Prometheus asks for them."""
    port, before = serving.variables["COINSPHERE_METRICS_PORT"], serving.cpu_seconds()
    httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=30).raise_for_status()
    return serving.cpu_seconds() - before


def _prepared(serving: Serving) -> tuple[str, list[str]]:
    seed(serving)
    with httpx2.Client(base_url=serving.url, timeout=60) as client:
        token, portfolio = reader(client)
    paths = [V1 + path.replace("{id}", portfolio) for path in _PATHS]
    for path in paths:
        reads(serving.url, token, 1.5, path)
    return token, paths


def _backing_up() -> list[Measure]:
    """Reads a second while a full base backup is made and the log is received, beside those while all of it stands still.

    In turn, as the machine may do other things meanwhile. What the backup takes of the cores tells the same where it does.
    """
    with served(LOG_LEVEL="INFO") as serving:
        token, (path, *_) = _prepared(serving)
        with psycopg.connect(serving.superuser_url, autocommit=True) as conn:
            conn.execute(_BALLAST)
            conn.execute("checkpoint")
        with _keeper(serving) as keeper:
            _await(lambda: any("pg_basebackup" in each.name() for each in keeper.children()))
            pairs = list(_pairs(serving, keeper, lambda: _rate(serving, token, path)))
    if not pairs:
        raise RuntimeError("the backup was made before it could be measured")
    shares, cores = zip(*pairs, strict=True)
    label = "a full base backup, and the log beside it:"
    return [
        Measure(f"{label} reads lost", 100 * (1 - statistics.median(shares)), "%", 10),
        Measure(f"{label} CPU", 100 * statistics.mean(cores), "% of all cores"),
    ]


def _pairs(
    serving: Serving, keeper: psutil.Process, rate: Callable[[], float]
) -> Iterator[tuple[float, float]]:
    """Reads beside the backup as a share of those without, and the backup's share of all cores, until it is made."""
    for _ in range(_PAIRS):
        began, before = time.monotonic(), _backup_cpu(serving, keeper)
        during = rate()
        used = _backup_cpu(serving, keeper) - before
        cores = used / (time.monotonic() - began) / (os.cpu_count() or 1)
        with _held(keeper):
            share = during / rate()
        if _is_made(serving):
            return
        yield share, cores


def _backup_cpu(serving: Serving, keeper: psutil.Process) -> float:
    """Seconds that the backup daemon, its programs and what serves them in PostgreSQL have computed so far."""
    backends = psutil.Process(serving.postgres).children()
    return cpu_seconds(keeper.pid) + sum(cpu_seconds(each.pid) for each in filter(_sends, backends))


def _sends(backend: psutil.Process) -> bool:
    """Whether a backend serves a backup or the log; none that has ended by now, as the autovacuum's do."""
    with suppress(psutil.NoSuchProcess):
        return "walsender" in "".join(backend.cmdline())
    return False


def _rate(serving: Serving, token: str, path: str) -> float:
    return reads(serving.url, token, _SLICE_SECONDS, path) / _SLICE_SECONDS


@contextmanager
def _keeper(serving: Serving) -> Iterator[psutil.Process]:
    """The backup daemon, which begins with a full base backup."""
    variables = serving.variables | {
        "COINSPHERE_DATABASE_URL": serving.server.url("coinsphere_worker"),
        "COINSPHERE_BACKUP_DATABASE_URL": serving.server.url("coinsphere_backup", "postgres"),
        "COINSPHERE_BACKUP_METRICS_PORT": str(free_port()),
    }
    command = [sys.executable, "-m", "coinsphere.backup.daemon"]
    process = subprocess.Popen(command, cwd=ROOT, env=variables, **QUIET)
    try:
        yield psutil.Process(process.pid)
    finally:
        stop(process)


@contextmanager
def _held(keeper: psutil.Process) -> Iterator[None]:
    """The backup daemon and its programs stand still; the server, which waits for them, too."""
    processes = [keeper, *keeper.children()]
    for each in processes:
        each.suspend()
    try:
        yield
    finally:
        for each in processes:
            each.resume()


def _is_made(serving: Serving) -> bool:
    with psycopg.connect(serving.database_url) as conn:
        return conn.execute("select 1 from app.backups").fetchone() is not None


def _await(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("no backup was begun")
        time.sleep(0.05)
