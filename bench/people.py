"""API and worker with people who read and now and then write, and how long the answers take that they get."""

import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2

from bench.serving import QUIET, ROOT, Serving, served, stop
from tests.conftest import free_port

V1 = "/api/v1"
Request = list[Any]
"""Method, path, token and body, as `bench.load` reads them."""


@contextmanager
def working(**settings: str) -> Iterator[tuple[Serving, int]]:
    """API, PostgreSQL and Redis, and the worker's process. `settings` as for `served`."""
    with served(LOG_LEVEL="INFO", ACCESS_TOKEN_SECONDS="3600", **settings) as serving:
        database = serving.server.url("coinsphere_worker")
        variables = serving.variables | {
            "COINSPHERE_WORKER_DATABASE_URL": database,
            "COINSPHERE_DATABASE_URL": database,
            "COINSPHERE_WORKER_METRICS_PORT": str(free_port()),
        }
        command = [sys.executable, "-m", "coinsphere.worker"]
        worker = subprocess.Popen(command, cwd=ROOT, env=variables, **QUIET)
        try:
            yield serving, worker.pid
        finally:
            stop(worker)


def register(client: httpx2.Client, number: int) -> tuple[str, str]:
    """A new account's token, which the client asks with from now on, and its portfolio."""
    account = {"email": f"p{number}@example.com", "password": secrets.token_hex(12)}
    token = made(client, "/auth/register", account)["accessToken"]
    client.headers["Authorization"] = f"Bearer {token}"
    return token, made(client, "/portfolios", {"name": "mine"})["portfolio"]["id"]


def made(client: httpx2.Client, path: str, body: dict[str, Any]) -> Any:
    """What was made of a body that is sent there."""
    return client.post(path, json=body).raise_for_status().json()


def trade(portfolio: str, at: str | None, symbol: str = "T00") -> dict[str, Any]:
    """A purchase as it is sent; `at` is a moment in ISO 8601, None the moment when it comes."""
    return {
        "portfolioId": portfolio,
        "type": "buy",
        "tokenSymbol": symbol,
        "amount": 1,
        "price": 100,
        "timestamp": at,
    }


def answers(
    serving: Serving,
    requests: Sequence[Request],
    seconds: float,
    connections: int,
    rate: float | None,
) -> list[list[float]]:
    """Ask these in turn for so long, as `bench.load.mix` does. Returns when each answer came and how long it took, in seconds."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(requests, file)
        file.flush()
        arguments = ["mix", serving.url, file.name, str(seconds), str(connections)]
        arguments += [] if rate is None else ["--rate", str(rate)]
        command = [sys.executable, "-m", "bench.load", *arguments]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT)
    told: list[list[float]] = json.loads(done.stdout)
    return told
