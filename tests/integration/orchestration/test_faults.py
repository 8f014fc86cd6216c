"""What breaks in the processes that Dagster and MLflow wrote reaches Sentry as what breaks in ours does."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psycopg
import pytest
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._grpc.__generated__ import dagster_api_pb2
from dagster._grpc.client import DagsterGrpcClient

from coinsphere.local.postgres import SUPERUSER
from coinsphere.local.processes import write_dagster_files
from coinsphere.local.state import State
from coinsphere.settings import Settings, sqlalchemy_url
from tests.conftest import free_port
from tests.fakes.sentry import Sentry, sentry
from tests.integration.jobs.test_worker import until

pytestmark = pytest.mark.slow
_TOKEN = "t" * 43
_PATIENCE = 180


@contextmanager
def process(*command: str, **variables: str) -> Iterator[None]:
    with subprocess.Popen([sys.executable, *command], env={**os.environ, **variables}) as started:
        try:
            yield
        finally:
            started.kill()


def answers(url: str) -> bool:
    try:
        return httpx2.get(url, trust_env=False, timeout=10).status_code < 500
    except httpx2.HTTPError:
        return False


def asked(sent: Sentry, method: str, url: str) -> None:
    """Ask until it is told: what is asked may be answered before anything broke."""

    def told() -> bool:
        headers = {"Authorization": f"Bearer {_TOKEN}"}
        with httpx2.Client(trust_env=False, timeout=60, headers=headers) as client:
            assert client.request(method, url).status_code == 500
        return bool(sent.events)

    until(told, _PATIENCE)


def test_the_tracking_server_tells(tmp_path: Path) -> None:
    port, artifacts = free_port(), State(tmp_path).artifacts
    with (
        sentry() as sent,
        process(
            "-m",
            "ml.registry.tracking_server",
            COINSPHERE_HOME=str(tmp_path),
            COINSPHERE_MLFLOW_PORT=str(port),
            COINSPHERE_MLFLOW_METRICS_PORT=str(free_port()),
            COINSPHERE_SERVICE_TOKEN=_TOKEN,
            COINSPHERE_SENTRY_DSN=sent.dsn,
            MLFLOW_BACKEND_STORE_URI=f"sqlite:///{tmp_path}/db",
        ),
    ):
        until(lambda: answers(f"http://127.0.0.1:{port}/health"), _PATIENCE)
        artifacts.parent.mkdir(parents=True, exist_ok=True)
        artifacts.write_text("no folder")
        path = "api/2.0/mlflow-artifacts/artifacts/1/2/artifacts/model"
        asked(sent, "PUT", f"http://127.0.0.1:{port}/{path}")
    assert sent.events[0]["server_name"] == "mlflow"
    assert sent.events[0]["exception"]["values"]


@pytest.fixture
def dagster(postgres, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The variables of Dagster's processes, over a database of their own that may be broken."""
    name = f"dagster_{secrets.token_hex(4)}"
    with psycopg.connect(postgres.url(SUPERUSER, "postgres"), autocommit=True) as conn:
        conn.execute(f"create database {name} owner dagster")
        State(tmp_path).prepare()
        write_dagster_files(Settings(home=tmp_path))
        yield {
            "COINSPHERE_HOME": str(tmp_path),
            "COINSPHERE_SERVICE_TOKEN": _TOKEN,
            "DAGSTER_HOME": str(State(tmp_path).dagster_home),
            "DAGSTER_POSTGRES_URL": sqlalchemy_url(postgres.url("dagster", name), "psycopg2"),
        }
        conn.execute(f"drop database {name} with (force)")


def broken(variables: Mapping[str, str], begun: str) -> None:
    """Take tables away once `begun` has a row: what is taken while a process starts ends it."""
    with psycopg.connect(
        variables["DAGSTER_POSTGRES_URL"].replace("+psycopg2", ""), autocommit=True
    ) as conn:
        until(lambda: _has_rows(conn, begun), _PATIENCE)
        conn.execute("drop table instigators, runs cascade")


def _has_rows(conn: psycopg.Connection, table: str) -> bool:
    if conn.execute("select to_regclass(%s)", [table]).fetchone() == (None,):
        return False
    return conn.execute(f"select 1 from {table} limit 1").fetchone() is not None


def test_daemon_tells(dagster) -> None:
    with (
        sentry() as sent,
        process("-m", "orchestration.servers.daemon", **dagster, COINSPHERE_SENTRY_DSN=sent.dsn),
    ):
        broken(dagster, "daemon_heartbeats")
        until(lambda: sent.events, _PATIENCE)
    assert sent.events[0]["server_name"] == "dagster-daemon"
    assert "sqlalchemy" in str(sent.events[0]["exception"]["values"])


def test_webserver_tells(dagster) -> None:
    port = free_port()
    with (
        sentry() as sent,
        process(
            "-m",
            "orchestration.servers.webserver",
            **dagster,
            COINSPHERE_DAGSTER_PORT=str(port),
            COINSPHERE_DAGSTER_METRICS_PORT=str(free_port()),
            COINSPHERE_SENTRY_DSN=sent.dsn,
        ),
    ):
        until(lambda: answers(f"http://127.0.0.1:{port}/server_info"), _PATIENCE)
        broken(dagster, "alembic_version")
        asked(sent, "GET", f"http://127.0.0.1:{port}/download_debug/{secrets.token_hex(8)}")
    assert sent.events[0]["server_name"] == "dagster-webserver"
    assert "sqlalchemy" in str(sent.events[0]["exception"]["values"])


def test_code_server_tells(dagster, database, tmp_path: Path) -> None:
    socket = str(State(tmp_path).code_socket)
    with (
        sentry() as sent,
        process(
            "-m",
            "dagster",
            *("api", "grpc", "--module-name", "orchestration.definitions", "--socket", socket),
            **dagster,
            COINSPHERE_DATABASE_URL=database.pipeline,
            COINSPHERE_SENTRY_DSN=sent.dsn,
        ),
    ):
        client = DagsterGrpcClient(socket=socket)
        until(lambda: _is_up(client), _PATIENCE)
        until(lambda: _nonsense(client) or sent.events, _PATIENCE)
    assert sent.events[0]["server_name"] == "dagster-code"


def _is_up(client: DagsterGrpcClient) -> bool:
    try:
        return client.ping("a")["echo"] == "a"
    except Exception:  # noqa: BLE001 - of gRPC, until it listens
        return False


def _nonsense(client: DagsterGrpcClient) -> None:
    asked = {"serialized_execution_plan_snapshot_args": "nonsense"}
    with pytest.raises(DagsterUserCodeUnreachableError):
        client._query(
            "ExecutionPlanSnapshot", dagster_api_pb2.ExecutionPlanSnapshotRequest, **asked
        )
