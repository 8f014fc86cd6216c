"""The API as it runs: logins, reads at 16 connections, reads while 200 people log in, and what a wrong password takes.

The load comes from a process of its own (`bench.load`), which takes its share of the same two cores: figures here are
what a client beside the server sees. As fast as 16 connections ask (closed), what each waits for is the other 15; so
the budget is for a constant rate, 60 % of what the API can do, as PERF-01 has it, and the closed loop stands beside it.
"""

import json
import math
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import bcrypt
import httpx2
import psutil

from bench.load import Samples
from bench.measure import Measure
from coinsphere.db import migrate
from coinsphere.local.postgres import LOGIN_ROLES, SUPERUSER, PostgresServer
from coinsphere.local.redis import RedisServer
from tests.conftest import free_port

ROOT = Path(__file__).resolve().parents[1]
V1 = "/api/v1"
PASSWORD = "correct horse battery staple"
CONNECTIONS = 16
HALF_SECONDS = 6.0
OPEN_SHARE = 0.6
LOGINS = 200
TRIES = 300
CROWD_SECONDS = 12.0


@dataclass(frozen=True)
class _Figures:
    """Of some reads: milliseconds, and reads a second."""

    p50: float
    p99: float
    rate: float

    @classmethod
    def of(cls, samples: Samples, since: float = 0, until: float = math.inf) -> Self:
        kept = [(at, seconds) for at, seconds in samples if since <= at < until]
        cuts = statistics.quantiles([seconds for _, seconds in kept], n=100)
        return cls(1000 * cuts[49], 1000 * cuts[98], len(kept) / (kept[-1][0] - kept[0][0]))


def run() -> list[Measure]:
    """All figures, of an API with its own PostgreSQL and Redis."""
    with _served() as (url, pid), httpx2.Client(base_url=url, timeout=30) as client:
        token = _register(client, "reader@example.com")
        # Accounts of their own: a further login ends the oldest session of its account.
        people = [f"{secrets.token_hex(6)}@example.com" for _ in range(TRIES)]
        for email in people:
            _register(client, email)
        logins = sorted(_login(client, email, PASSWORD)[0] for email in people[:60])
        _reads(url, token, 3, CONNECTIONS)
        alone = _reads(url, token, 2, 1)
        before = _cpu_seconds(pid)
        both = _reads(url, token, 2 * HALF_SECONDS, CONNECTIONS, OPEN_SHARE)
        api_cpu = 1000 * (_cpu_seconds(pid) - before) / len(both)
        turns = both[0][0] + HALF_SECONDS
        closed = _Figures.of(both, both[0][0], turns)
        steady = _Figures.of(both, turns, both[-1][0])
        patient = _while_logging_in(url, token, people[:LOGINS])
        impatient = _while_logging_in(url, token, people[:LOGINS], "--impatient")
        unknown, wrong = _refusals(client, people)
    rate = f"{CONNECTIONS} connections at {100 * OPEN_SHARE:.0f} % of the API's most"
    return [
        Measure("login, argon2id, median", 1000 * statistics.median(logins), "ms", 120),
        Measure("one hash by bcrypt of cost 12", 1000 * _bcrypt(), "ms"),
        Measure("/auth/me, one connection, median", _Figures.of(alone).p50, "ms", 5),
        Measure(f"/auth/me, {rate}, median", steady.p50, "ms", 5),
        Measure(f"/auth/me, {rate}, p99", steady.p99, "ms", 30),
        Measure(f"/auth/me, {rate}", steady.rate, "requests/s"),
        Measure(f"/auth/me, {CONNECTIONS} connections, closed, median", closed.p50, "ms"),
        Measure(f"/auth/me, {CONNECTIONS} connections, closed, p99", closed.p99, "ms"),
        Measure(f"/auth/me, {CONNECTIONS} connections, closed", closed.rate, "requests/s"),
        Measure("CPU of the API for a read", api_cpu, "ms"),
        *_crowd_measures(f"while {LOGINS} log in", patient, 2),
        *_crowd_measures(f"while {LOGINS} log in and never wait", impatient, None),
        Measure(
            "unknown account beside wrong password", 100 * abs(unknown / wrong - 1), "% apart", 10
        ),
    ]


def _crowd_measures(when: str, found: dict[str, float], target: float | None) -> list[Measure]:
    return [
        Measure(f"reads' p99 at rest, 4 connections, before {when}", found["rest"], "ms"),
        Measure(f"reads' p99 {when}", found["p99"], "ms"),
        Measure(
            f"the latter over the former, {when}", found["p99"] / found["rest"], "times", target
        ),
        Measure(f"logins served {when}", found["served"], "logins/s"),
        Measure(f"logins told to come back {when}", found["refused"], "logins/s"),
        Measure(f"logins that failed {when}", found["failed"], "logins", 0),
    ]


def _register(client: httpx2.Client, email: str) -> str:
    answer = client.post(f"{V1}/auth/register", json={"email": email, "password": PASSWORD})
    answer.raise_for_status()
    return str(answer.json()["accessToken"])


def _login(client: httpx2.Client, email: str, password: str) -> tuple[float, int]:
    started = time.perf_counter()
    answer = client.post(f"{V1}/auth/login", json={"email": email, "password": password})
    return time.perf_counter() - started, answer.status_code


def _bcrypt() -> float:
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(12))
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def _while_logging_in(url: str, token: str, people: list[str], *how: str) -> dict[str, float]:
    """Reads at rest, and while all of `people` log in, over the same four connections."""
    rest, crowd = CROWD_SECONDS / 2, ["logins", url, PASSWORD, str(CROWD_SECONDS), *people, *how]
    reading = ["reads", url, token, str(rest + CROWD_SECONDS + 1), "4"]
    with (
        subprocess.Popen(_command(reading), cwd=ROOT, stdout=subprocess.PIPE, text=True) as reader,
        ThreadPoolExecutor(1) as aside,
    ):
        try:
            printed = aside.submit(reader.communicate, timeout=rest + CROWD_SECONDS + 60)
            time.sleep(rest)
            come = time.time()
            answers = _printed(crowd)
            left = time.time()
            samples = json.loads(printed.result()[0])
        finally:
            reader.kill()
    during, before = _Figures.of(samples, come, left), _Figures.of(samples, 0, come)
    return {**answers, "p99": during.p99, "rest": before.p99}


def _refusals(client: httpx2.Client, people: list[str]) -> tuple[float, float]:
    """The medians of an unknown account and of a wrong password, tried in turn; each address once: none is throttled."""
    unknown, wrong = [], []
    for email in people:
        unknown.append(_login(client, f"no{email}", "another password")[0])
        wrong.append(_login(client, email, "another password")[0])
    return statistics.median(unknown), statistics.median(wrong)


def _reads(
    url: str, token: str, seconds: float, connections: int, share: float | None = None
) -> Samples:
    arguments = ["reads", url, token, str(seconds), str(connections)]
    return _printed(arguments if share is None else [*arguments, "--share", str(share)])


def _printed(arguments: list[str]) -> Any:
    done = subprocess.run(
        _command(arguments), check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT, timeout=90
    )
    return json.loads(done.stdout)


def _command(arguments: list[str]) -> list[str]:
    return [sys.executable, "-m", "bench.load", *arguments]


def _cpu_seconds(pid: int) -> float:
    """Of the API's processes, so far."""
    master = psutil.Process(pid)
    times = [each.cpu_times() for each in (master, *master.children())]
    return sum(each.user + each.system for each in times)


@contextmanager
def _served() -> Iterator[tuple[str, int]]:
    """The API's address, and the process that all of its processes come from."""
    passwords = {role: secrets.token_hex(12) for role in (SUPERUSER, *LOGIN_ROLES)}
    with tempfile.TemporaryDirectory(prefix="coinsphere-bench-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        postgres = PostgresServer(home / "postgres" / "data", free_port(), passwords)
        (home / "postgres").mkdir()
        redis = RedisServer(home / "redis" / "redis.conf", free_port(), secrets.token_hex(12))
        postgres.initialise()
        redis.initialise()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        processes = [subprocess.Popen(each.command(), **quiet) for each in (postgres, redis)]
        try:
            postgres.wait_until_ready()
            postgres.provision()
            migrate.upgrade(postgres.url("coinsphere_owner"))
            url, variables = _variables(home, postgres, redis)
            command = ["-m", "gunicorn", "--config", "webapi/gunicorn.conf.py", "webui.wsgi:app"]
            processes.append(
                subprocess.Popen([sys.executable, *command], cwd=ROOT, env=variables, **quiet)
            )
            _wait(url)
            yield url, processes[-1].pid
        finally:
            for process in reversed(processes):
                _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def _variables(home: Path, postgres: PostgresServer, redis: RedisServer) -> tuple[str, dict]:
    port = free_port()
    plenty = dict.fromkeys(("API", "AUTH", "AUTH_FAILURES", "KEY"), "100000000")
    given = {
        "HOME": str(home / "state"),
        "API_DATABASE_URL": postgres.url("coinsphere_api"),
        "REDIS_URL": redis.url,
        "API_PORT": str(port),
        "METRICS_PORT": str(free_port()),
        "LOG_LEVEL": "WARNING",
        **{f"RATE_LIMIT_{name}": value for name, value in plenty.items()},
    }
    own = {k: v for k, v in os.environ.items() if not k.startswith("COINSPHERE_")}
    return f"http://127.0.0.1:{port}", own | {f"COINSPHERE_{k}": v for k, v in given.items()}


def _wait(url: str) -> None:
    for _ in range(300):
        try:
            if httpx2.get(f"{url}/health/ready", timeout=2).status_code == 200:
                return
        except httpx2.HTTPError:
            pass
        time.sleep(0.1)
    raise TimeoutError("the API did not start")
