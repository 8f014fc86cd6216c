"""The API with a standby of its server: who answers, while it follows and when it does not."""

import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import psycopg
import pytest
from flask import Flask

from coinsphere.local.postgres import SUPERUSER, PostgresServer, as_ordinary_user, binary
from tests.conftest import free_port
from webapi.backends import replica
from webapi.backends.database import RequestDatabase

_WHO = "select pg_is_in_recovery()"


@dataclass
class Standby:
    """A standby that is stopped and started."""

    server: PostgresServer
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.server.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.server.wait_until_ready()

    def stop(self) -> None:
        # Asked by SIGTERM it would wait for every session to end.
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)


@pytest.fixture(scope="module")
def standby(postgres, module_database, tmp_path_factory) -> Iterator[Standby]:
    """Made by `pg_basebackup` of the server that all tests share."""
    data = tmp_path_factory.mktemp("standby") / "data"
    subprocess.run(
        [*as_ordinary_user(), str(binary("pg_basebackup")), "--pgdata", str(data), "--write-recovery-conf",
         "--wal-method=stream", "--checkpoint=fast", f"--dbname={postgres.url(SUPERUSER, 'postgres')}"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    made = Standby(replace(postgres, data=data, port=free_port()))
    made.start()
    yield made
    if made.process.poll() is None:
        made.stop()


@pytest.fixture
def reads(standby, module_database, monkeypatch) -> Iterator[RequestDatabase]:
    monkeypatch.setattr(replica, "LOOKED_AT_SECONDS", 0.0)
    url = standby.server.url("coinsphere_api", module_database.name)
    with RequestDatabase(module_database.api, size=2, replica_url=url) as made:
        yield made


def _is_by_standby(reads: RequestDatabase) -> bool:
    with reads.lagging() as conn:
        return conn.execute(_WHO).fetchone()[0]


def _rename(database, name: str) -> None:
    with psycopg.connect(database.owner) as conn:
        conn.execute("update market.tokens set name = %s where symbol = 'BTC'", [name])


def _until_by_standby(reads: RequestDatabase, database) -> None:
    """Something is written all the time, as in life."""
    deadline = time.monotonic() + 60
    while not _is_by_standby(reads):
        assert time.monotonic() < deadline, "the standby is not asked"
        _rename(database, "Bitcoin")
        time.sleep(0.1)


def test_the_standby_answers_what_may_lag_and_nothing_else(reads, module_database) -> None:
    _until_by_standby(reads, module_database)
    _rename(module_database, "Renamed")
    with reads.connection() as conn:
        assert conn.execute(_WHO).fetchone() == (False,)
    names = set()
    while "Renamed" not in names:
        with reads.lagging() as conn:
            names |= set(*conn.execute("select name from tokens where symbol = 'BTC'"))
            assert conn.execute("show transaction_read_only").fetchone() == ("on",)


def test_what_is_too_far_behind_answers_nothing(reads, module_database, monkeypatch) -> None:
    _until_by_standby(reads, module_database)
    monkeypatch.setattr(replica, "LAG", timedelta(0))
    assert not _is_by_standby(reads)


def test_while_it_is_away_the_primary_answers(reads, standby, module_database) -> None:
    _until_by_standby(reads, module_database)
    standby.stop()
    assert not _is_by_standby(reads)
    standby.start()
    _until_by_standby(reads, module_database)


def test_a_transaction_that_is_shared_reads_what_it_wrote(reads, module_database) -> None:
    _until_by_standby(reads, module_database)
    with Flask("shared").app_context(), reads.shared():
        assert not _is_by_standby(reads)
