"""Runs PostgreSQL's own tools from the embedded server's package, with the password in their environment."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from coinsphere.errors import BackupError
from coinsphere.local import postgres

_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}
_LSN = re.compile(r"([0-9A-F]+)/([0-9A-F]+)")


def environment(url: str | None) -> dict[str, str]:
    """The variables by which a tool reaches the server at `url`; so no password shows in `ps`."""
    named = conninfo_to_dict(url) if url else {}
    added = {_VARIABLES[name]: str(value) for name, value in named.items() if name in _VARIABLES}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**inherited, "PGAPPNAME": "coinsphere-backup", **added}


def run(program: str, *arguments: str | Path, url: str | None = None) -> str:
    """Run a tool to its end. Returns its output.

    Raises:
        BackupError: it failed; carries its own last words.
    """
    done = subprocess.run(  # noqa: S603 - no shell, a program of ours  # nosec B603
        [str(postgres.binary(program)), *map(str, arguments)],
        env=environment(url),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        output = (done.stderr or done.stdout).strip().splitlines()
        raise BackupError(f"{program} failed: {' / '.join(output[-3:]) or done.returncode}")
    return done.stdout


def base_backup(
    url: str, label: str, folder: Path, parent_manifest: Path | None, mib_a_second: int
) -> None:
    """Take a base backup as compressed archives, with the log that it needs to be consistent by itself.

    Args:
        url: of the server.
        label: what the server calls it.
        folder: where the archives come to lie.
        parent_manifest: PostgreSQL's own of the backup that this one is an increment to.
        mib_a_second: how fast the server may read at most; 0 for no bound.

    Raises:
        BackupError: the server refuses, or went away.
    """
    increment = () if parent_manifest is None else (f"--incremental={parent_manifest}",)
    rate = (f"--max-rate={mib_a_second}M",) if mib_a_second else ()
    run(
        "pg_basebackup",
        f"--pgdata={folder}",
        "--format=tar",
        # The package's tools know neither zstd nor lz4.
        "--compress=client-gzip:1",
        "--wal-method=stream",
        "--checkpoint=fast",
        # The server computes them, for accidents alone: the seals are what nobody can forge.
        "--manifest-checksums=CRC32C",
        "--no-password",
        f"--label={label}",
        *rate,
        *increment,
        url=url,
    )


def verify(folder: Path) -> None:
    """Check every file of an unpacked base backup against its manifest, and that its log can be read.

    Raises:
        BackupError: names the first that is wrong.
    """
    run("pg_verifybackup", "--quiet", folder)


def combine(folders: list[Path], target: Path) -> None:
    """Make one data folder of a full backup and the incremental ones behind it."""
    run("pg_combinebackup", "--link", f"--output={target}", *folders)


def segment(timeline: int, lsn: str) -> str:
    """The name of the segment, of 16 MiB, that holds the position `lsn`, such as `0/3000028`."""
    match = _LSN.fullmatch(lsn)
    if match is None:
        raise BackupError(f"{lsn!r} is no position in the log.")
    high, low = (int(part, 16) for part in match.groups())
    return f"{timeline:08X}{high:08X}{low >> 24:08X}"


def wal_start(manifest: Mapping[str, object]) -> tuple[int, str]:
    """The time line and the position that a base backup's own manifest begins at."""
    ranges = manifest.get("WAL-Ranges")
    if not isinstance(ranges, list) or not ranges:
        raise BackupError("The manifest of the base backup names no log.")
    return int(ranges[0]["Timeline"]), str(ranges[0]["Start-LSN"])
