"""Dagster's daemon with our logging and error reporting: `python -m orchestration.servers.daemon`.

Dagster's own command does the same with a log of its own form, which nothing masks and nobody else hears.
"""

import logging
import sys
import time
from collections.abc import Callable
from contextlib import suppress

import dagster as dg
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._daemon.controller import DagsterDaemonController, daemon_controller_from_instance
from dagster._utils.interrupts import capture_interrupts, setup_interrupt_handlers

from coinsphere import log
from coinsphere.health import dagster_daemons
from coinsphere.local.state import State
from coinsphere.observability import faults
from coinsphere.settings import Settings

_NO_TIMEOUT = 0
_POOL_RECYCLE_SECONDS = 3600
_POOL_OVERFLOW = 20


def main() -> None:
    """Work until the process is told to stop. DAGSTER_HOME names the instance."""
    settings = Settings.from_env()
    log.configure(settings.log_level)
    faults.start(settings, "dagster-daemon")
    workspace = WorkspaceFileTarget([str(State(settings.state).workspace)])
    for handler in logging.getLogger().handlers:
        handler.addFilter(_with_its_exception)
    setup_interrupt_handlers()
    with (
        suppress(KeyboardInterrupt),
        capture_interrupts(),
        _connected() as instance,
        daemon_controller_from_instance(
            instance, workspace, heartbeat_interval_seconds=dagster_daemons.BEAT_SECONDS
        ) as controller,
    ):
        # The controller gave it a handler of its own.
        log.adopt("dagster")
        controller.check_workspace_freshness = _unless_loaded(controller)  # type: ignore[assignment]
        controller.check_daemon_loop()


def _connected() -> dg.DagsterInstance:
    """The instance, which keeps its connections: a new one for each statement, 400 a minute, costs more than all statements."""
    instance = dg.DagsterInstance.get()
    instance.optimize_for_webserver(_NO_TIMEOUT, _POOL_RECYCLE_SECONDS, _POOL_OVERFLOW)
    return instance


def _unless_loaded(controller: DagsterDaemonController) -> Callable[[float], float]:
    """The controller's look at the workspace, without reading anew each minute what is loaded.

    That the code server was started again a thread of Dagster's own sees within a second, and reads it then.
    """
    look = controller.check_workspace_freshness
    context = controller._workspace_process_context  # noqa: SLF001 - there is no public way to it

    def looked(last: float) -> float:
        entries = context.create_request_context().get_code_location_entries().values()
        return time.time() if all(each.code_location for each in entries) else look(last)

    return looked


def _with_its_exception(record: logging.LogRecord) -> bool:
    """Of much that it catches Dagster's daemon logs the text alone: add the exception that is being handled."""
    if record.levelno >= logging.ERROR and not record.exc_info and sys.exc_info()[0] is not None:
        record.exc_info = sys.exc_info()
    return True


if __name__ == "__main__":
    main()
