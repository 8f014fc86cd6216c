"""gunicorn's configuration of the API; every value comes from the settings."""
# ruff: noqa: N999, PLC0415 - gunicorn's own name; what a worker needs is imported in the worker

import mmap
import os
from contextlib import suppress
from typing import Any

from coinsphere.local.state import State
from coinsphere.settings import Settings
from webapi.observability import metrics_folder
from webapi.server.drain import (
    GRACEFUL_SECONDS,
    KEPT_BEHIND_A_FRONT_SECONDS,
    KEPT_SECONDS,
    Drain,
)

_settings = Settings.from_env()
_metrics_folder = metrics_folder.of(_settings.state)
_beat = State(_settings.state).api_beat
# Made before the first fork, so each worker has the same: whoever ends a session tells all by it.
_changes = memoryview(mmap.mmap(-1, mmap.PAGESIZE))[:8]

# prometheus_client looks for it when it is first imported, which is when the application is loaded.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_metrics_folder)

bind = f"{_settings.bind_host}:{_settings.api_port}"
worker_class = "webapi.server.worker.Worker"
workers = _settings.api_workers
threads = _settings.api_threads
# One process forgets what another leaks. To start one takes seconds of a core, in which the others answer all: so it is rare, and
# the spread keeps them from restarting together.
max_requests = 500_000
max_requests_jitter = 50_000
# A request waits 3 s for a connection and 5 s for a statement at most; a worker silent for longer is stuck.
timeout = 30
graceful_timeout = GRACEFUL_SECONDS
keepalive = KEPT_BEHIND_A_FRONT_SECONDS if _settings.trusted_proxies else KEPT_SECONDS
# Our own access log is structured and carries the request's id.
accesslog = None
errorlog = "-"
control_socket_disable = True
# What a proxy says of the caller is believed by `trusted_proxies` alone, not by gunicorn as well.
forwarded_allow_ips = ""
limit_request_line = 8190
limit_request_fields = 100
# An answer is handed to the worker's loop, which sends what the client takes.
sendfile = False


def on_starting(server: Any) -> None:
    """Before the first worker: metrics start from nothing, on a port that is free."""
    from webapi.observability import metrics_server

    metrics_server.require_free(_settings.bind_host, _settings.metrics_port)
    metrics_folder.wipe(_metrics_folder)
    # Kept with the master: this file is read again where it is told to reload.
    server.drain = Drain(_settings.api_drain_seconds)
    server.drain.delay(server)


def when_ready(server: Any) -> None:
    """Before the first worker, once the port is ours: load the application, whose memory all workers then share.

    gunicorn's own `preload_app` would do so before `on_starting`, while earlier workers' metrics are still there.
    """
    from coinsphere import garbage

    with garbage.loading():
        server.app.wsgi()


def pre_fork(server: Any, worker: Any) -> None:
    """In the master, before each worker: it asks their clocks in each round of its loop, and touches its own beside.

    Where it cannot, on a disk that is full or was never prepared, that is told of it; its work it does all the same.
    """
    worker.drain = server.drain
    asked = worker.tmp.last_update

    def last_update() -> float:
        with suppress(OSError):
            _beat.touch()
        return float(asked())

    worker.tmp.last_update = last_update


def post_worker_init(worker: Any) -> None:
    """In each worker, after the fork: open the pool, answer scrapes, tell of faults and traces, spare what is loaded."""
    from coinsphere import garbage
    from coinsphere.observability import faults, traces
    from webapi.observability import metrics_server, sampling
    from webapi.services import EXTENSION

    work = worker.wsgi.extensions[EXTENSION]
    work.changes.share(_changes)
    work.open()
    sampling.start(work)
    metrics_server.start(_settings)
    faults.start(_settings, "api")
    if (spans := traces.start(_settings, "api")) is not None:
        from webapi.observability import traced

        traced.register(worker.wsgi, spans)
    garbage.spare_what_is_loaded()


def worker_exit(_server: Any, worker: Any) -> None:
    """In each worker that ends in order: give the connections back."""
    from webapi.services import EXTENSION

    if getattr(worker, "wsgi", None) is not None:
        worker.wsgi.extensions[EXTENSION].close()


def child_exit(_server: Any, worker: Any) -> None:
    """In the master, after a worker has ended in whatever way."""
    from webapi.observability import metrics_server

    metrics_server.forget_worker(worker.pid)


def on_exit(_server: Any) -> None:
    """In the master, after the last worker has ended."""
    metrics_folder.remove(_metrics_folder)
