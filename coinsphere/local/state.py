"""The state folder: the paths of all local state, the lock on it, and the credentials of the local servers."""

import fcntl
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from coinsphere.db.provisioning import BACKUP_ROLE, DATABASES, LOGIN_ROLES
from coinsphere.errors import LocalServiceError
from coinsphere.local.postgres import SUPERUSER, PostgresServer
from coinsphere.local.redis import RedisServer
from coinsphere.security import private_files
from coinsphere.settings import CREDENTIALS_FILE, Settings, variable

LEAST_FREE_BYTES = 1 << 30
"""A start needs this much of the disk: PostgreSQL stops in the middle of its work where it cannot write."""

_OURS_ALONE = 0o700
_SUPERUSER_URL = "POSTGRES_SUPERUSER_URL"
_SERVICE_TOKEN = variable("service_token")
ROLE_SETTINGS = {
    "database_url": "coinsphere_owner",
    "api_database_url": "coinsphere_api",
    "pipeline_database_url": "coinsphere_pipeline",
    "worker_database_url": "coinsphere_worker",
    "readonly_database_url": "coinsphere_readonly",
    "backup_database_url": "coinsphere_backup",
    "dagster_database_url": "dagster",
    "mlflow_database_url": "mlflow",
}
"""The database role behind each address of a database among the settings."""


@dataclass(frozen=True, slots=True)
class State:
    """The folder of all local state."""

    folder: Path

    @property
    def logs(self) -> Path:
        """One log a process."""
        return self.folder / "logs"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own folder."""
        return self.folder / "dagster"

    @property
    def workspace(self) -> Path:
        """The file that tells Dagster where its code server is."""
        return self.dagster_home / "workspace.yaml"

    @property
    def code_socket(self) -> Path:
        """Where Dagster's code server listens, in a folder that nobody else can enter."""
        return self.dagster_home / "code.sock"

    @property
    def artifacts(self) -> Path:
        """The folder of MLflow's runs and models."""
        return self.folder / "mlflow"

    @property
    def supervisor_socket(self) -> Path:
        """Where the supervisor listens; one that ends in order takes it away."""
        return self.folder / "supervisor.sock"

    @property
    def beat(self) -> Path:
        """The file that the watch touches each time it looks round."""
        return self.folder / "run" / "watch.beat"

    @property
    def api_beat(self) -> Path:
        """The file that gunicorn's master touches in each round of its loop."""
        return self.folder / "run" / "api.beat"

    @property
    def backup_beat(self) -> Path:
        """The file that the backup daemon touches each time it looks round."""
        return self.folder / "run" / "backup.beat"

    @property
    def received_log(self) -> Path:
        """The folder of write-ahead log that waits to be stored at every place."""
        return self.folder / "received-log"

    @property
    def credentials(self) -> Path:
        """The file, mode 0600, of the generated passwords, as settings."""
        return self.folder / CREDENTIALS_FILE

    def prepare(self) -> None:
        """Make the folders.

        Raises:
            LocalServiceError: they cannot be made, or the disk is nearly full.
        """
        try:
            self.folder.mkdir(mode=_OURS_ALONE, parents=True, exist_ok=True)
            for folder in (self.logs, self.dagster_home, self.artifacts):
                folder.mkdir(exist_ok=True)
                # The state folder may be one that a person made, open to others; what is mounted only to be read is not ours.
                if stat.S_IMODE(folder.stat().st_mode) != _OURS_ALONE:
                    folder.chmod(_OURS_ALONE)
        except OSError as error:
            raise LocalServiceError(
                f"{self.folder} cannot be used: {error.strerror}. Choose another folder in COINSPHERE_HOME."
            ) from error
        free = shutil.disk_usage(self.folder).free
        if free < LEAST_FREE_BYTES:
            raise LocalServiceError(
                f"The disk of {self.folder} has {free >> 20} MiB left, {LEAST_FREE_BYTES >> 20} MiB are needed: make "
                "room, or choose another folder in COINSPHERE_HOME."
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the state for a start or a stop.

        Raises:
            LocalServiceError: somebody else is starting or stopping it.
        """
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LocalServiceError(
                    f"Another `coinsphere` is starting or stopping {self.folder}: wait until it is done."
                ) from error
            yield


def embedded_postgres(settings: Settings) -> PostgresServer | None:
    """The local PostgreSQL; None where `settings`, read without credentials, name a server."""
    if settings.database_url is not None:
        return None
    passwords = _passwords(State(settings.state))
    return PostgresServer(settings.state / "postgres", settings.postgres_port, passwords)


def embedded_redis(settings: Settings) -> RedisServer | None:
    """The local Redis; None where `settings`, read without credentials, name a server."""
    if settings.redis_url is not None:
        return None
    url = dotenv_values(State(settings.state).credentials).get(variable("redis_url"))
    password = urlsplit(url or "").password or secrets.token_hex(24)
    return RedisServer(settings.state / "redis" / "redis.conf", settings.redis_port, password)


def write_credentials(
    state: State, postgres: PostgresServer | None, redis: RedisServer | None
) -> None:
    """Write the URLs of the embedded servers, and the token of the others, as settings that every command finds."""
    lines = {_SERVICE_TOKEN: _service_token(state)}
    if postgres is not None:
        lines[_SUPERUSER_URL] = postgres.url(SUPERUSER, "postgres")
        for field, role in ROLE_SETTINGS.items():
            lines[variable(field)] = postgres.url(role, database_of(role))
    if redis is not None:
        lines[variable("redis_url")] = redis.url
    written = "".join(f"{name}={value}\n" for name, value in lines.items())
    private_files.write(state.credentials, written.encode())


def database_of(role: str) -> str:
    """The database that a role's address names. Backups are of the whole server, and their role enters none of ours."""
    if role == BACKUP_ROLE:
        return "postgres"
    return next((database for database, owner in DATABASES.items() if owner == role), "coinsphere")


def _passwords(state: State) -> dict[str, str]:
    """One for each role: as written before, or new."""
    known = dotenv_values(state.credentials)
    urls = {SUPERUSER: known.get(_SUPERUSER_URL)}
    urls |= {role: known.get(variable(field)) for field, role in ROLE_SETTINGS.items()}
    return {
        role: urlsplit(urls.get(role) or "").password or secrets.token_hex(24)
        for role in (SUPERUSER, *LOGIN_ROLES)
    }


def _service_token(state: State) -> str:
    """As written before, or new."""
    return dotenv_values(state.credentials).get(_SERVICE_TOKEN) or secrets.token_urlsafe(32)
