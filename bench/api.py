"""The API as it runs: logins, reads at 16 connections, reads while 200 people log in, and what a wrong password takes.

The load comes from a process of its own (`bench.load`), which takes its share of the same two cores: figures here are
what a client beside the server sees. As fast as 16 connections ask (closed), what each waits for is the other 15; so
the budget is for a constant rate, 60 % of what the API can do, as PERF-01 has it, and the closed loop stands beside it.
"""

import json
import math
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import bcrypt
import httpx2

from bench.load import Samples
from bench.measure import Measure
from bench.serving import cpu_seconds, served

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
    with served() as serving, httpx2.Client(base_url=serving.url, timeout=30) as client:
        url, pid = serving.url, serving.api
        token = _register(client, "reader@example.com")
        # Accounts of their own: a further login ends the oldest session of its account.
        people = [f"{secrets.token_hex(6)}@example.com" for _ in range(TRIES)]
        for email in people:
            _register(client, email)
        logins = sorted(_login(client, email, PASSWORD)[0] for email in people[:60])
        _reads(url, token, 3, CONNECTIONS)
        alone = _reads(url, token, 2, 1)
        before = cpu_seconds(pid)
        both = _reads(url, token, 2 * HALF_SECONDS, CONNECTIONS, OPEN_SHARE)
        api_cpu = 1000 * (cpu_seconds(pid) - before) / len(both)
        turns = both[0][0] + HALF_SECONDS
        closed = _Figures.of(both, both[0][0], turns)
        steady = _Figures.of(both, turns, both[-1][0])
        patient = _while_logging_in(url, token, people[:LOGINS])
        beside_steady = _while_logging_in(url, token, people[:LOGINS], OPEN_SHARE * closed.rate)
        impatient = _while_logging_in(url, token, people[:LOGINS], how=["--impatient"])
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
        *_crowd_measures(f"while {LOGINS} log in beside steady reads", beside_steady, 2),
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


def _while_logging_in(
    url: str, token: str, people: list[str], rate: float | None = None, how: Sequence[str] = ()
) -> dict[str, float]:
    """Reads at rest, and while all of `people` log in, over the same four connections: at a rate, or one after the other."""
    rest, crowd = CROWD_SECONDS / 2, ["logins", url, PASSWORD, str(CROWD_SECONDS), *people, *how]
    reading = ["reads", url, token, str(rest + CROWD_SECONDS + 1), "4"]
    reading += [] if rate is None else ["--rate", str(rate)]
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
