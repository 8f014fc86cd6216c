"""Dagster's code server and UI, MLflow and the model server as `coinsphere up` starts them, each on a free port."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from coinsphere.local import probes, processes, state
from coinsphere.local.state import State
from coinsphere.settings import Settings, environment
from tests.conftest import free_port

SERVICES = ("dagster", "mlflow", "ml")
_STARTED = ("mlflow", "dagster-code", "ml")


@dataclass(frozen=True)
class Doors:
    """The running servers; `settings` hold their ports and their token."""

    settings: Settings

    def port(self, service: str) -> int:
        return int(getattr(self.settings, f"{service}_port"))

    def url(self, service: str, path: str = "") -> str:
        return f"http://127.0.0.1:{self.port(service)}{path}"

    def client(self, service: str) -> httpx2.Client:
        """A client with the token."""
        headers = self.settings.service_headers
        return httpx2.Client(base_url=self.url(service), headers=headers, timeout=60)


@pytest.fixture(scope="module")
def doors(postgres, module_redis, tmp_path_factory) -> Iterator[Doors]:
    # A folder that other accounts may enter, as a person may have made it.
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        Path(folder).chmod(0o755)
        home = Path(folder) / "home"
        home.mkdir(mode=0o755)
        patch.setenv("COINSPHERE_HOME", str(home))
        patch.setenv("COINSPHERE_REDIS_URL", module_redis.url)
        for service in SERVICES:
            patch.setenv(f"COINSPHERE_{service.upper()}_PORT", str(free_port()))
            patch.setenv(f"COINSPHERE_{service.upper()}_METRICS_PORT", str(free_port()))
        State(home).prepare()
        state.write_credentials(State(home), postgres, None)
        settings = Settings.from_env(environment())
        processes.write_dagster_files(settings)
        running = [_start(name, home) for name in _STARTED]
        try:
            _wait(_STARTED, settings, home)
            running.append(_start("dagster-webserver", home))
            _wait(("dagster-webserver",), settings, home)
            yield Doors(settings)
        finally:
            for process in running:
                _end(process)


def _start(name: str, home: Path) -> subprocess.Popen[bytes]:
    with (home / "logs" / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "coinsphere.local.launch", name],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait(names: tuple[str, ...], settings: Settings, home: Path) -> None:
    deadline = time.monotonic() + 240
    for name in names:
        while problem := probes.check(name, settings):
            log = (home / "logs" / f"{name}.log").read_text(errors="replace")
            assert time.monotonic() < deadline, f"{name}: {problem}\n{log[-3000:]}"
            time.sleep(0.5)


def _end(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
