"""Prometheus metrics on a port of their own, so that no reverse proxy hands them out by mistake.

Each worker writes its figures to files of one folder. Every worker listens on the metrics port, the kernel picks one,
and that one answers for all: so metrics are there as long as any worker is.
"""

import os
import socket
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app, multiprocess
from prometheus_client.exposition import ThreadingWSGIServer

from coinsphere.errors import ConfigurationError
from coinsphere.figures import SystemFigures
from coinsphere.guard.wsgi import guarded
from coinsphere.settings import Settings


class _Server(ThreadingWSGIServer):
    allow_reuse_port = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Scrapes are not worth a line."""


def require_free(host: str, port: int) -> None:
    """Check that the metrics port can be had.

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
    """Answer scrapes in a thread of this worker: figures are no secrets, but no business of other sites' pages."""
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    registry.register(SystemFigures(settings))
    app = guarded(make_wsgi_app(registry), settings)
    host, port = settings.bind_host, settings.metrics_port
    server = make_server(host, port, app, _Server, handler_class=_Quiet)
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()


def forget_worker(pid: int) -> None:
    """Drop the gauges of a worker that has died; what it counted stays."""
    multiprocess.mark_process_dead(pid, os.environ["PROMETHEUS_MULTIPROC_DIR"])  # type: ignore[no-untyped-call]
