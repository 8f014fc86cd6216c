"""PgBouncer in transaction mode in front of a test's database, by Debian's package of that name."""

import configparser
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.conftest import free_port

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
SHIPPED = Path(__file__).resolve().parents[1] / "deploy" / "compose" / "pgbouncer.ini"
SERVER_CONNECTIONS = 2
_PREPARES_FROM = (1, 22)
"""Since then it also passes on that a client no longer needs a statement."""

needs_pgbouncer = pytest.mark.skipif(
    PROGRAM is None, reason="pgbouncer is not installed: Debian's package pgbouncer holds it"
)


@dataclass(frozen=True)
class Pooler:
    """One that runs: the address of the database behind it, and whether clients may prepare statements."""

    url: str
    prepares: bool


@contextmanager
def pooled(url: str) -> Iterator[Pooler]:
    """PgBouncer in front of the database of `url`, for its role alone, with fewer connections than its clients have."""
    assert PROGRAM is not None
    to, port, prepares = conninfo_to_dict(url), free_port(), _version() >= _PREPARES_FROM
    with tempfile.TemporaryDirectory(prefix="coinsphere-pgbouncer-") as name:
        folder = Path(name)
        (folder / "users.txt").write_text(f'"{to["user"]}" "{to["password"]}"\n')
        config = folder / "pgbouncer.ini"
        with config.open("w") as file:
            _config(to, folder, port, prepares=prepares).write(file)
        command = [PROGRAM, "--quiet", str(config)]
        if os.geteuid() == 0:  # it refuses to run as root
            command[1:1] = ["--user", "nobody"]
            for path in (folder, *folder.iterdir()):
                shutil.chown(path, "nobody")
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                own = f"postgresql://{to['user']}:{to['password']}@127.0.0.1:{port}/{to['dbname']}"
                _wait_for(own)
                yield Pooler(own, prepares)
            finally:
                process.terminate()


def _config(
    to: dict[str, Any], folder: Path, port: int, *, prepares: bool
) -> configparser.ConfigParser:
    """That of the compose file, but for addresses, the files beside it, and fewer connections."""
    config = configparser.ConfigParser()
    config.read(SHIPPED)
    config["databases"] = {to["dbname"]: f"host={to['host']} port={to['port']}"}
    config["pgbouncer"].update(
        listen_addr="127.0.0.1",
        listen_port=str(port),
        auth_file=f"{folder}/users.txt",
        logfile=f"{folder}/log",
        default_pool_size=str(SERVER_CONNECTIONS),
    )
    if not prepares:
        del config["pgbouncer"]["max_prepared_statements"]
    return config


def _version() -> tuple[int, int]:
    said = subprocess.run([str(PROGRAM), "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"PgBouncer (\d+)\.(\d+)", said.stdout)
    assert found is not None, said.stdout
    return int(found[1]), int(found[2])


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
