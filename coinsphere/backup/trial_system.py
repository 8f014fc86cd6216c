"""Runs a restored state beside the running system, with its own processes on free ports, while a drill examines it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dotenv import dotenv_values

from coinsphere.errors import BackupError, ConfigurationError
from coinsphere.local import ports, probes, state
from coinsphere.local.state import State
from coinsphere.settings import PREFIX, Settings, variable

_START_SECONDS = 300.0
_STOP_SECONDS = 60.0
_PROCESSES = ("postgres", "redis", "mlflow", "api")
"""What a person needs to look at values and forecasts, each after what it needs."""
_PORTS = (
    "postgres_port",
    "redis_port",
    "mlflow_port",
    "mlflow_metrics_port",
    "api_port",
    "metrics_port",
)

Process = subprocess.Popen[bytes]


@contextmanager
def running(into: Path, folder: Path, artifacts: str | None) -> Iterator[Settings]:
    """The processes of the state restored in `into`, once all of them work; their output lies in `folder`.

    Args:
        into: the restored state.
        folder: of what they say.
        artifacts: where files of models lie if they are not in the state.

    Raises:
        BackupError: one does not start; carries its last words.
    """
    settings = prepare(into, artifacts)
    started: list[tuple[str, Process]] = []
    try:
        for name in _PROCESSES:
            started.append((name, _start(name, settings, folder)))
            _await(name, settings, started[-1][1], folder)
        yield settings
    finally:
        for name, process in reversed(started):
            # SIGINT is PostgreSQL's fast shutdown.
            process.send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)
            try:
                process.wait(timeout=_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def prepare(into: Path, artifacts: str | None = None) -> Settings:
    """Choose free ports, and write the credentials by which its servers are reached there."""
    free = dict(zip(_PORTS, ports.free(len(_PORTS)), strict=True))
    chosen = Settings(home=into, mlflow_artifacts=artifacts, **free)
    postgres, redis = state.embedded_postgres(chosen), state.embedded_redis(chosen)
    if postgres is None or redis is None:
        raise ConfigurationError("A restored state runs on servers of its own.")
    redis.initialise()
    state.write_credentials(State(into), postgres, redis)
    return Settings.from_env({**_credentials(into), **_named(chosen)})


def variables(settings: Settings) -> dict[str, str]:
    """The environment of its processes: ours without our settings, and where the state and its ports are."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {**kept, **_named(settings)}


def _named(settings: Settings) -> dict[str, str]:
    values = {name: getattr(settings, name) for name in ("home", "mlflow_artifacts", *_PORTS)}
    return {variable(name): str(value) for name, value in values.items() if value is not None}


def _credentials(into: Path) -> dict[str, str]:
    values = dotenv_values(State(into).credentials)
    return {name: value for name, value in values.items() if value is not None}


def _start(name: str, settings: Settings, folder: Path) -> Process:
    with (folder / f"{name}.log").open("w") as output:
        return subprocess.Popen(  # noqa: S603 - no shell, a program of ours  # nosec B603
            [sys.executable, "-m", "coinsphere.local.launch", name],
            # In a folder without `.env`, whose settings are of the running system.
            cwd=folder,
            env=variables(settings),
            stdout=output,
            stderr=output,
        )


def _await(name: str, settings: Settings, process: Process, folder: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while (problem := probes.check(name, settings)) is not None:
        if process.poll() is not None or time.monotonic() > end:
            log_end = (folder / f"{name}.log").read_text(errors="replace").strip()[-500:]
            raise BackupError(f"{name} does not start from the backup ({problem}): {log_end}")
        time.sleep(0.2)
