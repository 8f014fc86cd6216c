"""Restores a whole state into an empty folder, as of any second since the first base backup that is kept."""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg

from coinsphere.backup import base_backups, catalogue, files, tools, unpacking, wal
from coinsphere.backup.model import Backup
from coinsphere.backup.places import Place
from coinsphere.backup.sealing import Seals
from coinsphere.clock import utc_now
from coinsphere.errors import BackupError
from coinsphere.local import postgres
from coinsphere.local.state import State

_RECOVERY_SECONDS = 3600.0
_POLL_SECONDS = 0.2
_LOCAL_TRUST = "local all all trust\n"
_SHORT = "recovery ended before configured recovery target was reached"

# What `alter system` may have set on a server of somebody else.
_ALONE = {
    "shared_preload_libraries": "",
    "archive_mode": "off",
    "ssl": "off",
    "logging_collector": "off",
    "log_destination": "stderr",
    "port": "5432",
    "primary_conninfo": "",
}
# A server that has them elsewhere, as Debian's, does not start by its folder without.
_CONFIGURATION = {
    "postgresql.conf": "",
    "pg_hba.conf": "host all all 127.0.0.1/32 scram-sha-256\nhost all all ::1/128 scram-sha-256\n",
    "pg_ident.conf": "",
}

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Restored:
    """The result of a restore: base backup, segments of log behind it, files of models, and the instant its log was read."""

    backup_id: str
    segments: int
    files: int
    read_at: datetime
    seconds: float


def restore(
    place: Place, seals: Seals, until: datetime | None, into: Path, say: Say = lambda _: None
) -> Restored:
    """Restore databases, files of models and keys into the empty folder `into`; `coinsphere up` goes on from there.

    Redis is not restored: it holds nothing that counts, and an old one would bring back sessions that were ended.

    Args:
        place: where the backups lie.
        seals: with an identity that opens them.
        until: the instant to go back to; None is the newest that is stored.
        into: must be empty or not be there.
        say: told of each step.

    Raises:
        BackupError: there is no backup for that instant, or something in it is wrong; says what.
    """
    began = time.monotonic()
    _refuse_full(into)
    backup = catalogue.newest(base_backups.stored(place), until)
    _refuse_other_version(backup.server_version)
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    data, log = into / "postgres", into / "restored-log"
    say(f"Reading {backup.id}")
    _unpack(place, seals, backup, data)
    log.mkdir()
    say("Reading the log behind it")
    segments = wal.fetch(place, seals, backup.first_segment, log)
    read_at = utc_now()
    say("Reading files of models, and keys")
    file_count = files.fetch_files(place, seals, until, State(into).artifacts)
    if not file_count:
        say("It holds no files of models: set COINSPHERE_MLFLOW_ARTIFACTS where it was set.")
    files.fetch_keys(place, seals, until, into)
    say(f"Rolling forward {len(segments)} segments")
    _roll_forward(data, log, until, backup.role)
    shutil.rmtree(log)
    return Restored(backup.id, len(segments), file_count, read_at, time.monotonic() - began)


def _roll_forward(data: Path, log: Path, until: datetime | None, role: str) -> None:
    """Let the server read the log, and end it."""
    configuration = data / "postgresql.auto.conf"
    before = configuration.read_text()
    target = "" if until is None else f"recovery_target_time = '{until.isoformat()}'\n"
    configuration.write_text(
        f"{before}restore_command = 'cp {_quoted(log)}/%f %p'\n"
        f"recovery_target_action = 'promote'\n{target}"
    )
    (data / "recovery.signal").touch()
    with tempfile.TemporaryDirectory(prefix="coinsphere-") as name:
        _recover(data, Path(name), role)
    configuration.write_text(before)
    for name, text in _CONFIGURATION.items():
        if not (data / name).exists():
            (data / name).write_text(text)


def _refuse_full(into: Path) -> None:
    if into.exists() and any(into.iterdir()):
        raise BackupError(
            f"{into} is not empty: a restore never writes over a state. Name another folder."
        )


def _unpack(place: Place, seals: Seals, backup: Backup, data: Path) -> None:
    """The files of a base backup, and of those that it builds on, as the one folder `data`."""
    with tempfile.TemporaryDirectory(prefix="restore-", dir=data.parent) as scratch:
        chain = catalogue.chain(base_backups.stored(place), backup)
        folders = [unpacking.unpack(place, seals, each, Path(scratch)) for each in chain]
        if len(folders) > 1:
            tools.combine(folders, data)
        else:
            folders[0].replace(data)
    data.chmod(0o700)


def _recover(data: Path, folder: Path, role: str) -> None:
    """Run the server until recovery is done, listening on a socket in our folder alone, without passwords.

    What the server was set to where it ran is of no use here: its libraries, certificates and other folders may be
    missing, and its archive is not ours to write to.
    """
    (folder / "postgresql.conf").touch()
    (folder / "pg_hba.conf").write_text(_LOCAL_TRUST)
    (folder / "pg_ident.conf").touch()
    command, server_log = _server_command(data, folder), folder / "log"
    with (
        server_log.open("w") as output,
        subprocess.Popen(command, stdout=output, stderr=output) as server,  # noqa: S603  # nosec B603
    ):
        try:
            _wait(server, folder, role)
        except BackupError as error:
            raise BackupError(_why(server_log, error)) from error
        finally:
            server.send_signal(signal.SIGINT)
            server.wait()


def _server_command(data: Path, folder: Path) -> list[str]:
    """Starts PostgreSQL over `data` by the configuration in `folder`, reachable by its socket there alone."""
    options = {
        "config_file": str(folder / "postgresql.conf"),
        "data_directory": str(data),
        "hba_file": str(folder / "pg_hba.conf"),
        "ident_file": str(folder / "pg_ident.conf"),
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "max_connections": "120",
        "hot_standby": "off",
        **_ALONE,
    }
    words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    return [*postgres.as_ordinary_user(), str(postgres.binary("postgres")), *words]


def _wait(server: "subprocess.Popen[bytes]", folder: Path, role: str) -> None:
    address = psycopg.conninfo.make_conninfo(host=str(folder), user=role, dbname="postgres")
    end = time.monotonic() + _RECOVERY_SECONDS
    while server.poll() is None and time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
        try:
            with psycopg.connect(address, connect_timeout=2) as conn:
                if conn.execute("select pg_is_in_recovery()").fetchone() == (False,):
                    return
        except psycopg.OperationalError:
            continue
    raise BackupError("The server did not recover.")


def _why(server_log: Path, error: BackupError) -> str:
    """What the server's own log says of it."""
    lines = server_log.read_text(errors="replace").splitlines()
    if any(_SHORT in line for line in lines):
        return (
            "What is stored ends before that instant: nothing was committed after it, or the newest log is not stored "
            "yet. Restore `latest`."
        )
    return f"{error} {' / '.join(lines[-4:])}"


def _refuse_other_version(server_version: str) -> None:
    if server_version.split(".", maxsplit=1)[0] != postgres.version():
        raise BackupError(
            f"The backup is of PostgreSQL {server_version}, the installed one is {postgres.version()}: restore it with the release "
            "of Coinsphere that made it, then upgrade."
        )


def _quoted(path: Path) -> str:
    """`path` inside single quotes of a configuration, for a shell that reads it without quotes of its own."""
    return str(path).replace("\\", "\\\\").replace(" ", "\\\\ ").replace("'", "\\\\''")
