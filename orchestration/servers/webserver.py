"""Dagster's UI behind our guard: `python -m orchestration.servers.webserver`.

Dagster's own command serves whoever reaches its port, executes mutations by GET, and takes any `Host`. Its application
is the same here; the guard stands before it.
"""

import dagster as dg
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.version import __version__
from prometheus_client import REGISTRY

from coinsphere import log
from coinsphere.local.state import State
from coinsphere.observability import asgi_server, exposition, faults
from coinsphere.settings import Settings
from orchestration.servers.documents import DocumentsMiddleware
from orchestration.servers.metrics import DagsterMetrics

_STATEMENT_TIMEOUT_MS = 15_000
_POOL_RECYCLE_SECONDS = 3600
_POOL_OVERFLOW = 20
_POLL_MS = 2_000


def main() -> None:
    """Serve until the process is told to stop. DAGSTER_HOME names the instance."""
    settings = Settings.from_env()
    log.configure("WARNING")
    faults.start(settings, "dagster-webserver")
    workspace = WorkspaceFileTarget([str(State(settings.state).workspace)])
    with dg.DagsterInstance.get() as instance:
        instance.optimize_for_webserver(
            _STATEMENT_TIMEOUT_MS, _POOL_RECYCLE_SECONDS, _POOL_OVERFLOW
        )
        with WorkspaceProcessContext(
            instance, version=__version__, workspace_load_target=workspace
        ) as context:
            app = create_app_from_workspace_process_context(context, "", _POLL_MS)
            REGISTRY.register(DagsterMetrics(instance))
            exposition.serve(settings, settings.dagster_metrics_port)
            documented = DocumentsMiddleware(app, settings)
            asgi_server.serve(documented, settings, "dagster", settings.dagster_port)


if __name__ == "__main__":
    main()
