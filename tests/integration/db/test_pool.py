"""The pool finds its way back to a server that ended every connection, and to one that was away for long; whom it lends first."""

import re
import subprocess
import sys
import time
from contextlib import ExitStack

from coinsphere.db import pool
from coinsphere.db.pool import Database
from tests.integration.outage import away

_SIZE = 4


def test_a_server_that_ended_all_connections_costs_no_request(postgres, database) -> None:
    with Database(database.api, size=_SIZE) as opened:
        _fill(opened)
        with away(postgres, database.name):
            pass
        with opened.connection() as conn:
            assert conn.execute("select 1").fetchone() == (1,)


def test_a_server_that_was_away_is_found_without_a_request(postgres, database, monkeypatch) -> None:
    monkeypatch.setattr(pool, "RETRY_SECONDS", 0.05)
    with away(postgres, database.name):
        opened = Database(database.api, size=_SIZE).open()
        try:
            _await(opened, "connections_errors", 4)
        except BaseException:
            opened.close()
            raise
    with opened:
        _await(opened, "pool_available", 1)


def test_the_connection_that_came_back_last_is_lent_first(database) -> None:
    """So one that asks alone meets one server, whose caches have what it needs."""
    with Database(database.api, size=_SIZE) as opened:
        _fill(opened)
        servers = set()
        for _ in range(_SIZE):
            with opened.connection() as conn:
                servers.add(conn.info.backend_pid)
    assert len(servers) == 1


def _fill(opened: Database) -> None:
    """Lend as many connections at once as it may hold."""
    with ExitStack() as stack:
        for _ in range(_SIZE):
            stack.enter_context(opened.connection())


def _await(opened: Database, name: str, count: int) -> None:
    deadline = time.monotonic() + 30
    while opened.stats().get(name, 0) < count:
        assert time.monotonic() < deadline, opened.stats()
        time.sleep(0.02)


_IN_A_PIPELINE = """
import sys, psycopg
from coinsphere import log
log.configure("WARNING")
with psycopg.connect(sys.argv[1]) as conn, conn.pipeline():
    conn.execute("select pg_terminate_backend(pg_backend_pid())")
    conn.execute("select 1").fetchone()
"""


def test_a_server_that_went_away_is_told_of_once(database) -> None:
    """Else psycopg writes beside what it raises that it could not end the pipeline either, which names no request."""
    done = subprocess.run(
        [sys.executable, "-c", _IN_A_PIPELINE, database.api], check=False, capture_output=True, text=True
    )  # fmt: skip
    # Its word of the end comes before the end itself, or is lost with it.
    assert re.search(r"AdminShutdown: terminating|OperationalError: .*server closed", done.stderr)
    assert "error ignored" not in done.stderr
