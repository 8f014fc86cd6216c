"""Servers beside the tests' own: one over a restored state, and one as somebody else runs it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from coinsphere.local.postgres import SUPERUSER, PostgresServer
from tests.conftest import free_port


@contextmanager
def running(server: PostgresServer, log: Path, *options: str) -> Iterator[PostgresServer]:
    """A server for as long as the context lasts."""
    with (
        log.open("w") as output,
        subprocess.Popen([*server.command(), *options], stdout=output, stderr=output) as process,
    ):
        try:
            server.wait_until_ready()
            yield server
        finally:
            process.terminate()


def asked(into: Path, was: PostgresServer, database: str, query: str) -> tuple[Any, ...] | None:
    """What a restored state answers; its own passwords let in."""
    restored = PostgresServer(into / "postgres", free_port(), was.passwords, durable=False)
    with (
        running(restored, into / "log") as server,
        psycopg.connect(server.url(SUPERUSER, database)) as conn,
    ):
        return conn.execute(query).fetchone()
