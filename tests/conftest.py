"""Real servers for the tests: an embedded PostgreSQL and Redis on free ports, and nothing outside this machine."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

import psutil
import psycopg
import pytest
import redis
from hypothesis import settings
from psycopg import sql

from coinsphere import i18n
from coinsphere.db import migrate
from coinsphere.db.provisioning import LOGIN_ROLES
from coinsphere.local.postgres import SUPERUSER, PostgresServer
from coinsphere.local.redis import RedisServer

SHARED = Path(__file__).resolve().parents[2] / "shared"
_MEMORY = Path("/dev/shm")
_LEAST_MEMORY = 4 * 1024**3
_LOOPBACK = ("127.", "::1", "localhost")

_LONGEST = (
    "e2e/test_local_system.py",
    "integration/webapi/test_schemathesis.py",
    "integration/orchestration/test_jobs.py",
    "integration/ml/test_global_pipeline.py",
    "integration/orchestration/test_forecasting.py",
    "integration/local/test_supervision.py",
    "integration/ml/test_pipeline.py",
    "integration/webui/test_portfolio_in_chromium.py",
    "integration/jobs/test_worker.py",
    "integration/stream/test_stream.py",
    "integration/stream/test_feed_faults.py",
)
"""Begun first: a file is one process's, and one that is begun last keeps the others waiting."""

_PORTS = iter(SystemRandom().sample(range(10_000, 32_000), 20_000))
"""Each process has an order of its own."""

# No example has to be quick: that is told of a machine, not of the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Three processes for two cores, as a test against real servers waits for two fifths of its time."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    cores = psutil.cpu_count() or 1
    return cores + cores // 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """Refuse every connection that would leave this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(_LOOPBACK):
            raise ConnectionRefusedError(f"a test tried to reach {address}")
        connect(self, address)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


@pytest.fixture(autouse=True)
def _clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No setting of the developer's machine reaches a test, nor what `make up` left in the project's folder."""
    import os

    for name in [name for name in os.environ if name.startswith("COINSPHERE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COINSPHERE_HOME", str(tmp_path_factory.getbasetemp() / "no-home"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real market data; the test is skipped where it is absent."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("the real market data does not lie beside the project")
    return folder


def free_port() -> int:
    """A TCP port that is free, and given to nobody else: systems take none of these for outgoing connections."""
    for port in _PORTS:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A running server whose database `coinsphere` is migrated and seeded: the template of each test's own."""
    passwords = {role: secrets.token_hex(8) for role in (SUPERUSER, *LOGIN_ROLES)}
    folder = _folder_in_memory() or tmp_path_factory.mktemp("postgres")
    server = PostgresServer(folder / "data", free_port(), passwords, durable=False)
    server.initialise()
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(server.command(), stdout=log, stderr=log) as process,
    ):
        try:
            server.wait_until_ready()
            server.provision()
            migrate.upgrade(server.url("coinsphere_owner"))
            _seed(server.url("coinsphere_owner"))
            yield server
        finally:
            process.terminate()
            process.wait()
            shutil.rmtree(folder, ignore_errors=True)


def _folder_in_memory() -> Path | None:
    """A folder in shared memory, where a copy of the template takes a quarter of the time; None where there is no room.

    What runs before left, killed, is removed: nobody would miss the memory on a disk, but here everybody does.
    """
    if not _MEMORY.is_dir() or shutil.disk_usage(_MEMORY).free < _LEAST_MEMORY:
        return None
    for left in _MEMORY.glob("coinsphere-tests-*"):
        if not psutil.pid_exists(int(left.name.split("-")[2])):
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"coinsphere-tests-{os.getpid()}-", dir=_MEMORY))


def _seed(url: str) -> None:
    from coinsphere.db import seeds

    with psycopg.connect(url) as conn:
        seeds.apply(conn)


@dataclass(frozen=True)
class TestDatabase:
    """A fresh, migrated and seeded database of one test, by the URL of each role."""

    server: PostgresServer
    name: str

    @property
    def owner(self) -> str:
        return self.server.url("coinsphere_owner", self.name)

    @property
    def api(self) -> str:
        return self.server.url("coinsphere_api", self.name)

    @property
    def pipeline(self) -> str:
        return self.server.url("coinsphere_pipeline", self.name)

    @property
    def worker(self) -> str:
        return self.server.url("coinsphere_worker", self.name)

    @property
    def readonly(self) -> str:
        return self.server.url("coinsphere_readonly", self.name)


def create_database(server: PostgresServer, template: str = "coinsphere") -> TestDatabase:
    """A copy of the template under a random name.

    Its files are copied: to write each of their pages into the log, which is PostgreSQL's usual way, costs twice the CPU.
    """
    name = f"test_{secrets.token_hex(6)}"
    statement = "create database {} template {} strategy file_copy owner coinsphere_owner"
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(template)))
    return TestDatabase(server, name)


def drop_database(database: TestDatabase) -> None:
    """Drop it, whoever is still connected."""
    with psycopg.connect(database.server.url(SUPERUSER, "postgres"), autocommit=True) as conn:
        conn.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(database.name)))


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[TestDatabase]:
    """A fresh database for this test alone."""
    made = create_database(postgres)
    yield made
    drop_database(made)


@pytest.fixture(scope="module")
def module_database(postgres: PostgresServer) -> Iterator[TestDatabase]:
    """A fresh database that the tests of one module share."""
    made = create_database(postgres)
    yield made
    drop_database(made)


@pytest.fixture
def owner(database: TestDatabase) -> Iterator[psycopg.Connection]:
    """A connection of the owner to this test's database, in autocommit."""
    with psycopg.connect(database.owner, autocommit=True) as conn:
        conn.execute("set search_path = app, market, model, jobs, public")
        yield conn


@pytest.fixture
def pipeline(database: TestDatabase) -> Iterator[psycopg.Connection]:
    """A connection of the pipeline's role to this test's database, in autocommit."""
    with psycopg.connect(database.pipeline, autocommit=True) as conn:
        conn.execute("set search_path = app, market, model, jobs, public")
        yield conn


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A running Redis."""
    server = RedisServer(
        tmp_path_factory.mktemp("redis") / "redis.conf", free_port(), secrets.token_hex(8)
    )
    server.initialise()
    with subprocess.Popen(server.command(), stdout=subprocess.DEVNULL) as process:
        try:
            _wait_for_redis(server.url)
            yield server
        finally:
            process.terminate()


def _wait_for_redis(url: str) -> None:
    import time

    client = redis.Redis.from_url(url)
    for _ in range(100):
        try:
            client.ping()
        except redis.ConnectionError:
            time.sleep(0.05)
        else:
            client.close()
            return
    raise AssertionError("Redis did not start")


@pytest.fixture(scope="module")
def module_redis(redis_server: RedisServer) -> RedisServer:
    """A running Redis in which no module before this one left a counted attempt."""
    return _emptied(redis_server)


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of an empty Redis."""
    return _emptied(redis_server).url


def _emptied(server: RedisServer) -> RedisServer:
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    return server


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """A page that a test asks for within this process chooses its language: the next test begins in English again."""
    yield
    i18n.speak(i18n.ENGLISH)
