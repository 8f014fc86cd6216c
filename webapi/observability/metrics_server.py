"""Serves the metrics of all workers, and of the whole system, on the API's metrics port.

Each worker writes its figures to files of one folder. Every worker listens on the metrics port, the kernel picks one,
and that one answers for all: so metrics are there as long as any worker is.
"""

import os
import socket

from prometheus_client import CollectorRegistry, multiprocess

from coinsphere.errors import ConfigurationError
from coinsphere.health.metrics import SystemFigures
from coinsphere.observability import exposition
from coinsphere.observability.stores import StoreFigures
from coinsphere.settings import Settings


def require_free(host: str, port: int) -> None:
    """Raise unless the metrics port is free.

    Raises:
        ConfigurationError: another program has it.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigurationError(
                f"Port {port} is taken ({error.strerror}): set COINSPHERE_METRICS_PORT to another."
            ) from error


def start(settings: Settings) -> None:
    """Answer scrapes in a thread of this worker."""
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    registry.register(SystemFigures(settings))
    registry.register(StoreFigures(settings))
    exposition.serve(settings, settings.metrics_port, registry, is_shared=True)


def forget_worker(pid: int) -> None:
    """Drop the gauges of a worker that has died; what it counted stays."""
    multiprocess.mark_process_dead(pid, os.environ["PROMETHEUS_MULTIPROC_DIR"])  # type: ignore[no-untyped-call]
