"""MLflow's server behind our guard, over artifacts of its own alone: `python -m ml.registry.tracking_server`.

The command `mlflow server` would start one more process, let everyone in who reaches the port, and read any folder
that an experiment, a run or a trace names as the place of its artifacts.
"""

import os
import re

from mlflow import environment_variables as variables
from mlflow.server import constants

from coinsphere import log
from coinsphere.errors import ConfigurationError
from coinsphere.local.state import State
from coinsphere.observability import asgi_server, exposition, faults
from coinsphere.settings import Settings
from ml.registry import own_artifacts

_STORE = "MLFLOW_BACKEND_STORE_URI"
_RAW = re.compile(r".*/mlflow-artifacts/artifacts/.*|/v1/traces|.*/mlflow/upload-artifact")
"""Paths that take files and OpenTelemetry's protocol buffers."""


def main() -> None:
    """Serve until the process is told to stop. MLFLOW_BACKEND_STORE_URI names its database.

    Raises:
        ConfigurationError: that variable, or the token, is not set; artifacts lie in a bucket and boto3 is missing.
    """
    settings = Settings.from_env()
    log.configure(settings.log_level)
    log.adopt("mlflow", "alembic", "sqlalchemy.engine")
    faults.start(settings, "mlflow")
    store = os.environ.get(_STORE)
    if not store:
        raise ConfigurationError(f"{_STORE} is not set: `coinsphere up` sets it.")
    root = settings.mlflow_artifacts or State(settings.state).artifacts.as_uri()
    _tell(store, root)
    # What is told is read when these are imported.
    from mlflow.server.fastapi_app import app  # noqa: PLC0415
    from mlflow.server.handlers import initialize_backend_stores  # noqa: PLC0415

    own_artifacts.restrict(root)
    initialize_backend_stores(store, store, own_artifacts.PROXIED)
    exposition.serve(settings, settings.mlflow_metrics_port)
    asgi_server.serve(app, settings, "mlflow", settings.mlflow_port, public=("/health",), raw=_RAW)


def _tell(store: str, artifacts: str) -> None:
    """What `mlflow server` tells its workers, by the variables of which they take it."""
    os.environ |= {
        constants.BACKEND_STORE_URI_ENV_VAR: store,
        constants.REGISTRY_STORE_URI_ENV_VAR: store,
        constants.ARTIFACT_ROOT_ENV_VAR: own_artifacts.PROXIED,
        constants.ARTIFACTS_DESTINATION_ENV_VAR: artifacts,
        constants.SERVE_ARTIFACTS_ENV_VAR: "true",
        # Our guard knows more of hosts and origins: MLflow's lets every port of this machine in.
        variables.MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE.name: "true",
        # The job runner serves evaluations of language models; it costs two processes.
        variables.MLFLOW_SERVER_ENABLE_JOB_EXECUTION.name: "false",
        variables.MLFLOW_DISABLE_TELEMETRY.name: "true",
    }


if __name__ == "__main__":
    main()
