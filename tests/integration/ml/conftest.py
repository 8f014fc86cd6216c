"""A real MLflow server, and a database with three tokens whose feature mart the real dbt built."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import psycopg
import pytest
from pydantic import SecretStr

from coinsphere.market.model import Token
from coinsphere.market.reference import tokens
from coinsphere.settings import Settings
from orchestration.warehouse import project
from tests.conftest import create_database, drop_database, free_port

FIRST_DAY = date(2024, 1, 1)
DAYS = 420
NOW = datetime.combine(FIRST_DAY, datetime.min.time(), UTC) + timedelta(days=DAYS, hours=1)
"""An hour after the close of the last day."""

_INSERT = """
    insert into market.price_data
        (token_id, interval, opened_at, open, high, low, close, volume, source, is_final, observed_at)
    select id, '1d', %s, %s, %s, %s, %s, 1000, 'simulated', true, now() from market.tokens where symbol = %s
"""


class MlflowServer:
    """A tracking server with a registry of its own, on a free port; it can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "mlflow",
            "server",
            "--workers",
            "1",
            "--host",
            "127.0.0.1",
        ]
        command += ["--port", str(self.port), "--backend-store-uri", f"sqlite:///{self.folder}/db"]
        command += ["--artifacts-destination", str(self.folder / "artifacts")]
        log = (self.folder / "log").open("ab")
        self._process = subprocess.Popen(
            command,
            env={
                **os.environ,
                "MLFLOW_DISABLE_TELEMETRY": "true",
                # Its job runner and consumers, a dozen processes, serve evaluations of language models.
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            },
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        wait_for(f"{self.url}/health")

    def kill(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


def wait_for(url: str, seconds: float = 120) -> None:
    """Until something answers at `url` with success."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"nothing answers at {url}")


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory) -> Iterator[MlflowServer]:
    """The server that the tests share. Registered models are named by token ids, which differ between databases."""
    server = MlflowServer(tmp_path_factory.mktemp("mlflow"))
    try:
        server.start()
        yield server
    finally:
        server.kill()


@dataclass(frozen=True)
class Warehouse:
    """A database with `DAYS` closes of BTC, ETH and SOL, and the mart made from them."""

    database: object
    settings: Settings

    def token(self, symbol: str) -> Token:
        with self.pipeline() as conn:
            return tokens.by_symbol(conn, symbol)

    def pipeline(self) -> psycopg.Connection:
        return psycopg.connect(self.database.pipeline, autocommit=True)


@pytest.fixture(scope="package")
def warehouse(postgres, mlflow_server, tmp_path_factory) -> Iterator[Warehouse]:
    database = create_database(postgres)
    try:
        _fill(database)
        _build_mart(database)
        settings = Settings(
            home=tmp_path_factory.mktemp("home"),
            database_url=SecretStr(database.pipeline),
            mlflow_url=mlflow_server.url,
            ml_epochs=2,
        )
        yield Warehouse(database, settings)
    finally:
        drop_database(database)


def walk(seed: int, days: int = DAYS) -> np.ndarray:
    """Closes of a random walk whose volatility changes slowly and strongly, as a market's does."""
    rng = np.random.default_rng(seed)
    volatility = 0.03 * np.exp(0.8 * np.sin(np.arange(days) / 40 + seed))
    return 1000 * np.exp(np.cumsum(volatility * rng.standard_normal(days)))


def _fill(database) -> None:
    with psycopg.connect(database.pipeline) as conn:
        conn.execute(
            "select market.ensure_price_partitions(%s, %s)",
            (FIRST_DAY, FIRST_DAY + timedelta(days=DAYS + 31)),
        )
        for seed, symbol in enumerate(("BTC", "ETH", "SOL")):
            rows = []
            for day, close in enumerate(walk(seed)):
                opened = datetime.combine(FIRST_DAY, datetime.min.time(), UTC) + timedelta(days=day)
                text = f"{close:.18f}"
                rows.append((opened, text, text, text, text, symbol))
            with conn.cursor() as cursor:
                cursor.executemany(_INSERT, rows)


def _build_mart(database) -> None:
    settings = Settings.from_env({"COINSPHERE_PIPELINE_DATABASE_URL": database.pipeline})
    done = subprocess.run(
        [project.executable(), "--quiet", "run", "--select", "+ml_features_daily"],
        cwd=project.PROJECT,
        env={
            **os.environ,
            **project.environment(settings),
            "DBT_PROFILES_DIR": str(project.PROJECT),
        },
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
