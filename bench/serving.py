"""The API as a local system runs it, with its own PostgreSQL and Redis, for benchmarks to ask."""

import ctypes
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import psutil

from coinsphere.db import migrate
from coinsphere.db.provisioning import LOGIN_ROLES
from coinsphere.local.postgres import SUPERUSER, PostgresServer
from coinsphere.local.redis import RedisServer
from tests.conftest import free_port

ROOT = Path(__file__).resolve().parents[1]
QUIET: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


@dataclass(frozen=True)
class Serving:
    """What runs: the API's address, the processes that all others come from, the way to the database, and the variables
    of the API.
    """

    url: str
    api: int
    postgres: int
    redis: int
    server: PostgresServer
    variables: dict[str, str]

    @property
    def database_url(self) -> str:
        """The owner's way to the database."""
        return self.server.url("coinsphere_owner")

    @property
    def superuser_url(self) -> str:
        """The superuser's."""
        return self.server.url(SUPERUSER)

    def cpu_seconds(self) -> float:
        """Of all server parts, so far."""
        return sum(cpu_seconds(pid) for pid in (self.api, self.postgres, self.redis))


def cpu_seconds(pid: int) -> float:
    """Of a process and its children, so far, those that have ended included."""
    master = psutil.Process(pid)
    own = master.cpu_times()
    alive = sum(_clock(each.pid) for each in (master, *master.children(recursive=True)))
    return alive + own.children_user + own.children_system


def _clock(pid: int) -> float:
    """The CPU seconds of one process to the nanosecond; what `/proc` tells moves by hundredths of a second.

    None of one that has ended by now, as the autovacuum's do: its parent counts them.
    """
    clock = ctypes.c_int()
    is_gone = ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock)) != 0
    return 0.0 if is_gone else time.clock_gettime(clock.value)


@contextmanager
def served(*, application: str = "webui.wsgi:app", **settings: str) -> Iterator[Serving]:
    """An API that runs; `settings` are added to its own, by their names without prefix."""
    passwords = {role: secrets.token_hex(12) for role in (SUPERUSER, *LOGIN_ROLES)}
    with tempfile.TemporaryDirectory(prefix="coinsphere-bench-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        postgres = PostgresServer(home / "postgres" / "data", free_port(), passwords)
        (home / "postgres").mkdir()
        redis = RedisServer(home / "redis" / "redis.conf", free_port(), secrets.token_hex(12))
        postgres.initialise()
        redis.initialise()
        processes = [subprocess.Popen(each.command(), **QUIET) for each in (postgres, redis)]
        try:
            postgres.wait_until_ready()
            postgres.provision()
            migrate.upgrade(postgres.url("coinsphere_owner"))
            url, variables = _variables(home, postgres, redis, settings)
            command = ["-m", "gunicorn", "--config", "webapi/gunicorn.conf.py", application]
            processes.append(
                subprocess.Popen([sys.executable, *command], cwd=ROOT, env=variables, **QUIET)
            )
            wait(f"{url}/health/ready")
            pids = [each.pid for each in processes]
            yield Serving(url, pids[2], pids[0], pids[1], postgres, variables)
        finally:
            for process in reversed(processes):
                stop(process)


@contextmanager
def streaming(serving: Serving) -> Iterator[tuple[str, int]]:
    """A stream of its own beside the API: where clients connect, and its process."""
    port = free_port()
    variables = serving.variables | {
        "COINSPHERE_STREAM_PORT": str(port),
        "COINSPHERE_STREAM_METRICS_PORT": str(free_port()),
    }
    command = [sys.executable, "-m", "coinsphere.stream"]
    process = subprocess.Popen(command, cwd=ROOT, env=variables, **QUIET)
    try:
        wait(f"http://127.0.0.1:{port}/health")
        yield f"ws://127.0.0.1:{port}/api/v1/ws", process.pid
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process, by force where it does not."""
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def _variables(
    home: Path, postgres: PostgresServer, redis: RedisServer, settings: dict[str, str]
) -> tuple[str, dict]:
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
        **settings,
    }
    own = {k: v for k, v in os.environ.items() if not k.startswith("COINSPHERE_")}
    # A benchmark asks often enough to see a worker replaced, and its load opens no connection anew.
    own["GUNICORN_CMD_ARGS"] = "--max-requests 0"
    return f"http://127.0.0.1:{port}", own | {f"COINSPHERE_{k}": v for k, v in given.items()}


def wait(url: str) -> None:
    """Until this address answers."""
    for _ in range(300):
        try:
            if httpx2.get(url, timeout=2).status_code == 200:
                return
        except httpx2.HTTPError:
            pass
        time.sleep(0.1)
    raise TimeoutError("the API did not start")
