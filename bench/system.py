"""The whole local system: how soon it answers, how long the pipeline takes, what it weighs, what it costs idle."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil

from bench.measure import Measure

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "daily"
PORTS = ("API", "ML", "DAGSTER", "MLFLOW", "STREAM", "METRICS", "POSTGRES", "REDIS")
_COMMAND = str(Path(sys.executable).parent / "coinsphere")
_IDLE_SECONDS = 120
"""Two of the scheduled minutes."""
_SAMPLE_SECONDS = 3.0


def run() -> list[Measure]:
    """On simulated prices, and on real ones where they lie beside the project."""
    measures = _measured("simulated", "simulated")
    if SHARED.is_dir():
        measures += _measured("real files", f"files:{SHARED}")
    return measures


@dataclass(frozen=True)
class System:
    """A running system: its variables, the seconds until the API answered and until all was done, the peak in MB."""

    variables: dict[str, str]
    answered: float
    done: float
    peak: float

    @property
    def processes(self) -> list[psutil.Process]:
        """The supervisor and all that it started."""
        return _processes(Path(self.variables["COINSPHERE_HOME"]))


@contextmanager
def started(market: str, **settings: str) -> Iterator[System]:
    """A system of its own, from empty state, on free ports; ended and removed afterwards."""
    home = Path(tempfile.mkdtemp(prefix="coinsphere-bench-"))
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("COINSPHERE_")},
        **{
            f"COINSPHERE_{name}_PORT": str(port) for name, port in zip(PORTS, _ports(), strict=True)
        },
        "COINSPHERE_HOME": str(home),
        **settings,
    }
    answered: list[float] = []
    samples: list[float] = [0.0]
    over = threading.Event()
    began = time.monotonic()
    watch = threading.Thread(
        target=_wait_for_api, args=(variables["COINSPHERE_API_PORT"], began, answered), daemon=True
    )
    watch.start()
    scale = threading.Thread(target=_weigh, args=(home, samples, over), daemon=True)
    scale.start()
    try:
        subprocess.run(
            [_COMMAND, "up", "--detach", "--market", market], env=variables, cwd=home, check=True
        )
        done = time.monotonic() - began
        watch.join()
        over.set()
        scale.join()
        yield System(variables, answered[0], done, max(samples))
    finally:
        over.set()
        subprocess.run([_COMMAND, "down"], env=variables, cwd=home, check=False)
        shutil.rmtree(home)


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """What these processes, and their children that have ended, have used so far."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def _measured(label: str, market: str) -> list[Measure]:
    with started(market) as system:
        time.sleep(30)  # what the pipeline set off ends
        before = cpu_seconds(system.processes)
        time.sleep(_IDLE_SECONDS)
        idle = (cpu_seconds(system.processes) - before) / _IDLE_SECONDS
        idle_memory = sum(_megabytes(process) for process in system.processes)
    return [
        Measure(f"up to the API's first answer, {label}", system.answered, "s", target=60),
        Measure(f"up to the end of the pipeline, {label}", system.done, "s", target=360),
        Measure(f"most memory of all processes, {label}", system.peak, "MB", target=4000),
        Measure(f"memory of all processes at rest, {label}", idle_memory, "MB", target=1800),
        Measure(f"idle, scheduled minutes included, {label}", 100 * idle, "% of a core", target=8),
    ]


def _wait_for_api(port: str, began: float, answered: list[float]) -> None:
    while True:
        try:
            httpx2.get(f"http://127.0.0.1:{port}/health/live", timeout=1.0).raise_for_status()
        except httpx2.HTTPError:
            time.sleep(0.2)
        else:
            answered.append(time.monotonic() - began)
            return


def _weigh(home: Path, samples: list[float], over: threading.Event) -> None:
    """Weigh all processes every few seconds, the runs that the code server starts included."""
    while not over.wait(_SAMPLE_SECONDS):
        samples.append(sum(_megabytes(process) for process in _processes(home)))


def _processes(home: Path) -> list[psutil.Process]:
    """The supervisor of a state folder and all below it; none before it has started."""
    try:
        supervisor = psutil.Process(int((home / "supervisord.pid").read_text()))
        return [supervisor, *supervisor.children(recursive=True)]
    except (OSError, ValueError, psutil.NoSuchProcess):
        return []


def _megabytes(process: psutil.Process) -> float:
    """Its share of the memory: pages that several processes map count once."""
    try:
        return process.memory_full_info().pss / 1e6
    except psutil.NoSuchProcess:
        return 0.0


def _ports() -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in PORTS]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
