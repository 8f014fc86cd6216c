"""Prometheus metrics of the processes on one machine: whether they answer, and what they use."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields

import psutil
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True)
class Usage:
    """The resources of a process and its children: bytes, seconds over all cores, numbers."""

    resident_bytes: float = 0.0
    cpu_seconds: float = 0.0
    open_files: float = 0.0
    threads: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        """The sum of both."""
        return Usage(
            *(getattr(self, each.name) + getattr(other, each.name) for each in fields(self))
        )


SAID: Mapping[str, str] = {
    "resident_bytes": "Memory of the process and of those that it started.",
    "cpu_seconds": "Time on all cores since its start; of what it started, as long as that runs.",
    "open_files": "Open files and connections.",
    "threads": "Threads.",
}


class ProcessFigures(Collector):
    """Metrics of each process that the supervisor knows.

    Args:
        found: each process with its id, and whether it answered lately; None where that cannot be told.
    """

    def __init__(self, found: Callable[[], Mapping[tuple[str, int], bool | None]]) -> None:
        self._found = found

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The metrics of this instant."""
        answering = self._found()
        answers = {name: float(text) for (name, _), text in answering.items() if text is not None}
        yield _family("coinsphere_process_up", "1 where the process answers.", answers.items())
        ages = {name: age for (name, pid) in answering if (age := _age(pid)) is not None}
        yield _family("coinsphere_process_age_seconds", "Time since its start.", ages.items())
        taken = {name: of_tree(pid) for name, pid in answering}
        for each, text in SAID.items():
            values = ((name, getattr(took, each)) for name, took in taken.items())
            yield _family(f"coinsphere_process_{each}", text, values)


def of_tree(pid: int) -> Usage:
    """The resources of a process and all its children; those that have ended are left out."""
    with suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        return sum(map(_of, [top, *top.children(recursive=True)]), Usage())
    return Usage()


def _of(process: psutil.Process) -> Usage:
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied), process.oneshot():
        times = process.cpu_times()
        return Usage(
            process.memory_info().rss,
            times.user + times.system,
            process.num_fds(),
            process.num_threads(),
        )
    return Usage()


def _age(pid: int) -> float | None:
    with suppress(psutil.NoSuchProcess):
        return time.time() - psutil.Process(pid).create_time()
    return None


def _family(name: str, description: str, values: Iterable[tuple[str, float]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, description, labels=["process"])
    for process, value in values:
        family.add_metric([process], value)
    return family
