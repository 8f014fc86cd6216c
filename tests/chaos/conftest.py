"""A system whose processes are each started as `coinsphere up` does, so that a test can kill or stop any of them."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import psutil
import psycopg
import pytest

from coinsphere.db.provisioning import LOGIN_ROLES
from coinsphere.local import probes, state, system
from coinsphere.local.postgres import SUPERUSER, PostgresServer
from coinsphere.local.redis import RedisServer
from coinsphere.local.state import State
from coinsphere.settings import Settings, environment
from tests.chaos.disks import Disk, small_disk
from tests.chaos.load import Load, Person
from tests.conftest import free_port

_PORTS = ("API", "ML", "MLFLOW", "METRICS", "WORKER_METRICS", "ML_METRICS", "MLFLOW_METRICS")
_ORDER = ("postgres", "redis", "relay", "mlflow", "ml", "api", "worker")
_PATIENCE_SECONDS = 240.0
_ROWS: list[tuple[str, ...]] = []


def await_that(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.1)


@dataclass
class Town:
    """The running processes by their names, and the people who use them."""

    settings: Settings
    postgres: PostgresServer
    redis: RedisServer
    variables: dict[str, str]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    people: list[Person] = field(default_factory=list)
    disk: Disk | None = None
    """What the state folder lies on; None where no disk can be mounted here."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.api_port}"

    def start(self, name: str, **added: str) -> None:
        """Start a process with more variables of the environment, and return once it does its work."""
        commands = {
            "postgres": self.postgres.command(),
            "redis": self.redis.command(),
            "relay": [sys.executable, "-m", "aiosmtpd", "-n", "-c", "aiosmtpd.handlers.Sink", "-l", self._relay],
        }  # fmt: skip
        ours = [sys.executable, "-m", "coinsphere.local.launch", name]
        with self._log(name).open("ab") as log:
            self.running[name] = subprocess.Popen(
                commands.get(name, ours),
                env=self.variables | added,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if name == "postgres":
            self.postgres.wait_until_ready(lambda: self._lives(name))
        elif name != "relay":
            await_that(
                lambda: self._lives(name) and probes.check(name, self.settings) is None,
                f"the start of {name}",
            )

    def _log(self, name: str) -> Path:
        return self.settings.state.parent / f"{name}.log"

    def _lives(self, name: str) -> bool:
        if self.running[name].poll() is not None:
            pytest.fail(
                "\n".join([f"{name} ended:", *self._log(name).read_text().splitlines()[-40:]])
            )
        return True

    @property
    def _relay(self) -> str:
        return self.variables["COINSPHERE_SMTP_URL"].removeprefix("smtp://")

    def kill(self, name: str) -> None:
        killed = self._tell(name, signal.SIGKILL)
        self.running[name].wait()
        psutil.wait_procs(
            killed, timeout=10
        )  # what the disk lies on is unmounted once nobody is there

    def hold(self, name: str) -> None:
        self._tell(name, signal.SIGSTOP)

    def release(self, name: str) -> None:
        self._tell(name, signal.SIGCONT)

    def restart_postgres(self) -> None:
        """As an operator does: sessions are ended, what they had not committed is rolled back."""
        self.running["postgres"].send_signal(signal.SIGINT)
        self.running["postgres"].wait()
        self.start("postgres")

    def start_all(self) -> None:
        """Start whatever does not run, in the order in which they need each other."""
        for name in _ORDER:
            if name not in self.running or self.running[name].poll() is not None:
                self.start(name)
        await_that(lambda: len(self.api_workers()) == 2, "the last worker")

    def end_all(self) -> None:
        for name in reversed(_ORDER):
            if name in self.running and self.running[name].poll() is None:
                self.kill(name)

    def _tell(self, name: str, number: signal.Signals) -> list[psutil.Process]:
        """A signal for a process and its children: those of PostgreSQL have groups of their own."""
        first = psutil.Process(self.running[name].pid)
        told = [first, *first.children(recursive=True)]
        for each in told:
            with suppress(psutil.NoSuchProcess):
                each.send_signal(number)
        return told

    def api_workers(self) -> list[psutil.Process]:
        return psutil.Process(self.running["api"].pid).children()

    def asked(self, query: str) -> Any:
        """What the owner's connection answers: a new one each time, as the server may have gone."""
        with psycopg.connect(self.postgres.url("coinsphere_owner"), autocommit=True) as conn:
            return (conn.execute(query).fetchone() or (None,))[0]

    def lost(self, load: Load) -> int:
        with psycopg.connect(self.postgres.url("coinsphere_owner"), autocommit=True) as conn:
            return load.lost(conn)

    def is_well(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/health/ready", trust_env=False, timeout=5).is_success
        except httpx2.HTTPError:
            return False


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """PostgreSQL that keeps what it acknowledges, Redis, API of two workers, worker, MLflow, model server, relay."""
    folder = tmp_path_factory.mktemp("chaos")
    with small_disk(folder) as disk:
        yield from _town(folder / "home", disk)


def _town(home: Path, disk: Disk | None) -> Iterator[Town]:
    passwords = {role: secrets.token_hex(8) for role in (SUPERUSER, *LOGIN_ROLES)}
    postgres = PostgresServer(home / "postgres", free_port(), passwords, durable=True)
    redis = RedisServer(home / "redis" / "redis.conf", free_port(), secrets.token_hex(8))
    own = {name: value for name, value in os.environ.items() if not name.startswith("COINSPHERE_")}
    variables = own | {
        "COINSPHERE_HOME": str(home),
        **{f"COINSPHERE_{name}_PORT": str(free_port()) for name in _PORTS},
        "COINSPHERE_POSTGRES_PORT": str(postgres.port),
        "COINSPHERE_REDIS_PORT": str(redis.port),
        "COINSPHERE_SMTP_URL": f"smtp://127.0.0.1:{free_port()}",
        "COINSPHERE_API_WORKERS": "2",
        "COINSPHERE_RATE_LIMIT_API": "1000000",
    }
    State(home).prepare()
    postgres.initialise()
    redis.initialise()
    state.write_credentials(State(home), postgres, redis)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        made = Town(Settings.from_env(environment()), postgres, redis, variables, disk=disk)
    try:
        _begin(made)
        yield made
    finally:
        made.end_all()


def _begin(town: Town) -> None:
    town.start("postgres")
    town.postgres.provision()
    system.prepare_database(town.settings, "simulated")
    town.start_all()
    town.people = [Person(town.url, f"person{number}") for number in range(4)]


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Keep a line for the table: what was done, its budget, the load, and what else was seen."""

    def keep(what: str, budget: str, load: Load, lost: int, seen: str) -> None:
        numbers = (load.requests, len(load.acknowledged), lost, load.faults, load.cut)
        _ROWS.append((what, budget, *map(str, numbers), seen))

    return keep


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table behind the tests."""
    head = ("what was done", "budget", "requests", "acknowledged", "lost", "5xx", "cut", "seen")
    if _ROWS:
        widths = [max(len(row[at]) for row in (head, *_ROWS)) for at in range(len(head))]
        terminalreporter.section("chaos")
        for row in (head, *_ROWS):
            cells = zip(row, widths, strict=True)
            terminalreporter.write_line("  ".join(cell.ljust(width) for cell, width in cells))
