"""The processes of the local system: command, database role and port of each."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from coinsphere.errors import ConfigurationError
from coinsphere.local import state as states
from coinsphere.settings import Role, Settings, environment, sqlalchemy_url, variable

ROOT = Path(__file__).resolve().parents[2]
"""The project's folder: configuration files of the processes are named by their path in it."""

FEED = "feed"
"""It has work in a live market alone, which is known when the database is there."""
_DAGSTER_LOCATION = "coinsphere"


@dataclass(frozen=True, slots=True)
class Process:
    """One process.

    `environment` is added to the inherited one; `role` gives it its COINSPHERE_DATABASE_URL; `metrics_setting` names the
    setting of the port that Prometheus scrapes.
    """

    name: str
    command: Sequence[str]
    port: int | None = None
    port_setting: str | None = None
    role: Role | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = "TERM"
    stop_seconds: int = 20
    metrics_setting: str | None = None


def table(settings: Settings) -> list[Process]:
    """All processes in the order in which they start: first the servers that the others need.

    Args:
        settings: with the credentials of the local servers.
    """
    return [*servers(_as_chosen()), *_applications(settings)]


def servers(chosen: Settings) -> list[Process]:
    """The embedded servers.

    Args:
        chosen: the settings without the credentials of the local servers: a server that they name is not embedded.
    """
    postgres, redis = states.embedded_postgres(chosen), states.embedded_redis(chosen)
    processes = []
    if postgres is not None:
        # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave by itself.
        processes.append(
            Process(
                "postgres",
                postgres.command(),
                postgres.port,
                "postgres_port",
                stop_signal="INT",
                stop_seconds=60,
            )
        )
    if redis is not None:
        processes.append(Process("redis", redis.command(), redis.port, "redis_port"))
    return processes


def application(settings: Settings, name: str) -> Process:
    """The process called `name` alone, without reading settings that it does not need.

    Raises:
        ConfigurationError: a setting is missing that it does need.
        KeyError: there is no such process, or it is an embedded server.
    """
    return _APPLICATIONS[name](settings)


def _applications(settings: Settings) -> list[Process]:
    return [
        build(settings)
        for name, build in _APPLICATIONS.items()
        if name != "backup" or settings.makes_backups
    ]


def _mlflow(settings: Settings) -> Process:
    return Process(
        "mlflow",
        _module("ml.registry.tracking_server"),
        settings.mlflow_port,
        "mlflow_port",
        environment={
            "MLFLOW_BACKEND_STORE_URI": _database(settings, "mlflow_database_url", "psycopg"),
            "DO_NOT_TRACK": "true",
        },
        metrics_setting="mlflow_metrics_port",
    )


def _dagster_code(settings: Settings) -> Process:
    """The code server, which alone imports our definitions."""
    code = _program("dagster", "api", "grpc", "--module-name", "orchestration.definitions")
    # Its protocol knows no passwords: it listens in a folder that only this user enters.
    address = ("--socket", str(states.State(settings.state).code_socket))
    return Process(
        "dagster-code",
        (*code, *address, "--location-name", _DAGSTER_LOCATION),
        role=Role.PIPELINE,
        environment=dagster_environment(settings),
    )


def _dagster_webserver(settings: Settings) -> Process:
    return Process(
        "dagster-webserver",
        _module("orchestration.servers.webserver"),
        settings.dagster_port,
        "dagster_port",
        environment=dagster_environment(settings),
        metrics_setting="dagster_metrics_port",
    )


def _dagster_daemon(settings: Settings) -> Process:
    return Process(
        "dagster-daemon",
        _module("orchestration.servers.daemon"),
        environment=dagster_environment(settings),
    )


def _ml(settings: Settings) -> Process:
    server = _module("ml.serving.server")
    return Process(
        "ml",
        server,
        settings.ml_port,
        "ml_port",
        Role.READONLY,
        _SINGLE_THREADED,
        metrics_setting="ml_metrics_port",
    )


def _api(settings: Settings) -> Process:
    configuration = str(ROOT / "webapi" / "gunicorn.conf.py")
    return Process(
        "api",
        _program("gunicorn", "--config", configuration, "webui.wsgi:app"),
        settings.api_port,
        "api_port",
        Role.API,
        stop_seconds=35 + int(settings.api_drain_seconds),
        metrics_setting="metrics_port",
    )


def _worker(_settings: Settings) -> Process:
    return Process(
        "worker",
        _module("coinsphere.worker"),
        role=Role.WORKER,
        stop_seconds=35,
        metrics_setting="worker_metrics_port",
    )


def _stream(settings: Settings) -> Process:
    server = _module("coinsphere.stream")
    return Process(
        "stream",
        server,
        settings.stream_port,
        "stream_port",
        Role.API,
        metrics_setting="stream_metrics_port",
    )


def _feed(_settings: Settings) -> Process:
    return Process(
        FEED,
        _module("coinsphere.feed"),
        role=Role.PIPELINE,
        metrics_setting="feed_metrics_port",
    )


def _backup(_settings: Settings) -> Process:
    # It writes down what it did as the worker does.
    return Process(
        "backup",
        _module("coinsphere.backup.daemon"),
        role=Role.WORKER,
        metrics_setting="backup_metrics_port",
    )


def _watch(_settings: Settings) -> Process:
    return Process("watch", _module("coinsphere.local.watch"), metrics_setting="watch_metrics_port")


_APPLICATIONS: Mapping[str, Callable[[Settings], Process]] = {
    "mlflow": _mlflow,
    "dagster-code": _dagster_code,
    "dagster-webserver": _dagster_webserver,
    "dagster-daemon": _dagster_daemon,
    "ml": _ml,
    "api": _api,
    "worker": _worker,
    "stream": _stream,
    FEED: _feed,
    "backup": _backup,
    # The last to start and the first to stop.
    "watch": _watch,
}
APPLICATIONS = tuple(_APPLICATIONS)
"""Every process but the embedded servers, in the order in which they start."""


def variables(process: Process, settings: Settings) -> dict[str, str]:
    """What is added to the inherited environment of `process`."""
    added = {variable("home"): str(settings.state), **process.environment}
    if process.role is not None:
        added[variable("database_url")] = settings.url_for(process.role)
    return added


def dagster_environment(settings: Settings) -> dict[str, str]:
    """The variables that Dagster's processes, and `dagster` on the command line, need."""
    return {
        "DAGSTER_HOME": str(states.State(settings.state).dagster_home),
        # dagster-postgres works with this driver only.
        "DAGSTER_POSTGRES_URL": _database(settings, "dagster_database_url", "psycopg2"),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        # The days that a run brings are stored by one statement for a thousand, not by four for each.
        "DAGSTER_EVENT_BATCH_SIZE": "1000",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
        **_SINGLE_THREADED,
    }


def write_dagster_files(settings: Settings) -> None:
    """Write Dagster's instance file, and a workspace that names the one code server."""
    state = states.State(settings.state)
    template = ROOT / "orchestration" / "dagster.yaml"
    (state.dagster_home / "dagster.yaml").write_text(template.read_text())
    server = {"socket": str(state.code_socket), "location_name": _DAGSTER_LOCATION}
    # JSON is YAML too, and a path may hold what YAML gives a meaning.
    state.workspace.write_text(json.dumps({"load_from": [{"grpc_server": server}]}) + "\n")


_SINGLE_THREADED = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Threads of one small product wait for each other longer than they compute; processes share the cores instead."""


def _as_chosen() -> Settings:
    return Settings.from_env(environment(with_credentials=False))


def _program(name: str, *arguments: str) -> tuple[str, ...]:
    """A program that is installed beside this Python, whatever PATH says."""
    return (str(Path(sys.executable).parent / name), *arguments)


def _module(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", name)


def _database(settings: Settings, field: str, driver: str) -> str:
    url: SecretStr | None = getattr(settings, field)
    if url is None:
        raise ConfigurationError(
            f"{variable(field)} is not set. Where COINSPHERE_DATABASE_URL names a server, name the databases of "
            "Dagster and MLflow too."
        )
    return sqlalchemy_url(url.get_secret_value(), driver)
