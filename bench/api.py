"""The API as it runs: logins, reads at 16 connections, reads while 200 people log in, and what a wrong password takes.

The load comes from a process of its own, which takes its share of the same two cores: figures here are what a client
beside the server sees. `python -m bench.api --load …` is that process.
"""

import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import bcrypt
import httpx2

from bench.measure import Measure
from coinsphere.db import migrate
from coinsphere.local.postgres import LOGIN_ROLES, SUPERUSER, PostgresServer
from coinsphere.local.redis import RedisServer
from tests.conftest import free_port

ROOT = Path(__file__).resolve().parents[1]
V1 = "/api/v1"
PASSWORD = "correct horse battery staple"
CONNECTIONS = 16
READS = 4_000
LOGINS = 200
TRIES = 300


def run() -> list[Measure]:
    """All figures, of an API with its own PostgreSQL and Redis."""
    with _served() as url, httpx2.Client(base_url=url, timeout=30) as client:
        token = _register(client, "reader@example.com")
        _load(url, token, 500, CONNECTIONS)
        # Accounts of their own: a further login ends the oldest session of its account.
        people = [f"{secrets.token_hex(6)}@example.com" for _ in range(TRIES)]
        for email in people:
            _register(client, email)
        logins = sorted(_login(client, email, PASSWORD)[0] for email in people[:60])
        alone = _load(url, token, 400, 1)
        many = _load(url, token, READS, CONNECTIONS)
        at_rest = _load(url, token, 1_500, 4)
        busy, answers = _while_logging_in(url, token, people)
        unknown, wrong = _refusals(client, people)
    return [
        Measure("login, argon2id, median", 1000 * statistics.median(logins), "ms", 120),
        Measure("one hash by bcrypt of cost 12", 1000 * _bcrypt(), "ms"),
        Measure("/auth/me, one connection, median", alone["p50"], "ms", 5),
        Measure(f"/auth/me, {CONNECTIONS} connections, median", many["p50"], "ms"),
        Measure(f"/auth/me, {CONNECTIONS} connections, p99", many["p99"], "ms", 30),
        Measure(f"/auth/me, {CONNECTIONS} connections", many["rate"], "requests/s"),
        Measure("CPU of the load itself, for a request", many["cpu"], "ms"),
        Measure("reads' p99 at rest, 4 connections", at_rest["p99"], "ms"),
        Measure(f"reads' p99 while {LOGINS} log in", busy["p99"], "ms"),
        Measure("the latter over the former", busy["p99"] / at_rest["p99"], "times", 2),
        Measure("logins told to come back", answers.count(503), "of 200"),
        Measure(
            "unknown account beside wrong password", 100 * abs(unknown / wrong - 1), "% apart", 10
        ),
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


def _while_logging_in(
    url: str, token: str, people: list[str]
) -> tuple[dict[str, float], list[int]]:
    """Reads while 200 people log in, all at once and again until the reads are done."""
    done = threading.Event()
    answers: list[int] = []

    def log_in(email: str) -> None:
        with httpx2.Client(base_url=url, timeout=60) as client:
            while not done.is_set():
                answers.append(_login(client, email, PASSWORD)[1])
                if (
                    answers[-1] == 503
                ):  # told to come back: a client that does at once is an attacker
                    time.sleep(2)

    with ThreadPoolExecutor(LOGINS) as threads:
        for email in people[:LOGINS]:
            threads.submit(log_in, email)
        time.sleep(1)
        found = _load(url, token, 1_500, 4)
        done.set()
    return found, answers[:LOGINS]


def _refusals(client: httpx2.Client, people: list[str]) -> tuple[float, float]:
    """The medians of an unknown account and of a wrong password, tried in turn; each address once: none is throttled."""
    unknown, wrong = [], []
    for email in people:
        unknown.append(_login(client, f"no{email}", "another password")[0])
        wrong.append(_login(client, email, "another password")[0])
    return statistics.median(unknown), statistics.median(wrong)


def _load(url: str, token: str, requests: int, connections: int) -> dict[str, float]:
    arguments = [url, token, str(requests), str(connections)]
    done = subprocess.run(
        [sys.executable, "-m", "bench.api", "--load", *arguments],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    return dict(json.loads(done.stdout))


def _loading(url: str, token: str, requests: int, connections: int) -> dict[str, float]:
    """Reads `/auth/me` over so many kept connections; milliseconds, and requests a second."""
    seconds: list[float] = []

    def read(count: int) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        with httpx2.Client(base_url=url, headers=headers, timeout=30) as client:
            client.get(f"{V1}/auth/me").raise_for_status()
            for _ in range(count):
                started = time.perf_counter()
                client.get(f"{V1}/auth/me").raise_for_status()
                seconds.append(time.perf_counter() - started)

    started = time.perf_counter()
    with ThreadPoolExecutor(connections) as threads:
        for each in [threads.submit(read, requests // connections) for _ in range(connections)]:
            each.result()
    took = time.perf_counter() - started
    cuts = statistics.quantiles(seconds, n=100)
    return {
        "p50": 1000 * cuts[49],
        "p99": 1000 * cuts[98],
        "rate": len(seconds) / took,
        "cpu": 1000 * time.process_time() / len(seconds),
    }


@contextmanager
def _served() -> Iterator[str]:
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
            command = ["-m", "gunicorn", "--config", "webapi/gunicorn.conf.py", "webapi.wsgi:app"]
            processes.append(
                subprocess.Popen([sys.executable, *command], cwd=ROOT, env=variables, **quiet)
            )
            _wait(url)
            yield url
        finally:
            for process in reversed(processes):
                process.terminate()
                process.wait(30)


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


if __name__ == "__main__":
    if sys.argv[1:2] == ["--load"]:
        print(json.dumps(_loading(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))))
    else:
        for measure in run():
            print(measure)
