"""Wallets through workers as the local system starts them, killed and side by side, and the hourly sync of all."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from coinsphere.errors import Unavailable
from coinsphere.wallets import sync, tasks
from tests.fakes.evm.chain import NodeServer
from tests.integration.wallets.conftest import NOW, node_settings
from tests.integration.wallets.test_ledger import facts, state

_PATIENCE = 90
_KEY = "S3CR3T-K3Y"
"""Of a provider of nodes: it stands in the address."""


@contextmanager
def a_worker(database, node: NodeServer, home: Path) -> Iterator[subprocess.Popen]:
    """A worker process, killed at the end if it still lives; what it writes is in `worker.log`."""
    environment = {
        **os.environ,
        "COINSPHERE_HOME": str(home),
        "COINSPHERE_DATABASE_URL": database.worker,
        "COINSPHERE_WALLET_NODES": f"ethereum={node.url}/v2/{_KEY}",
        "COINSPHERE_WALLET_PRIVATE_NETWORKS": "true",
    }
    command = [sys.executable, "-m", "coinsphere.worker"]
    with (
        (home / "worker.log").open("ab") as log,
        subprocess.Popen(command, cwd=home, env=environment, stderr=log) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def test_the_worker_reads_a_wallet_and_books_what_it_holds(
    reader, node: NodeServer, database, tmp_path, owner: psycopg.Connection
) -> None:
    wallet = reader.connect(booked=True)
    with owner.transaction():
        sync_id = sync.request(owner, reader.user_id, wallet.id)
    with a_worker(database, node, tmp_path):
        until(lambda: sync.get(owner, sync_id).finished_at)
        until(lambda: owner.execute("select count(*) from app.holdings").fetchone() == (2,))
    found = sync.get(owner, sync_id)
    assert found is not None
    assert (found.status, found.imported, found.balances) == ("succeeded", 2, 2)
    written = (tmp_path / "worker.log").read_text()
    assert "wallet synchronised" in written
    assert _KEY not in written


def retry_stalled(owner: psycopg.Connection) -> None:
    """What housekeeping does within two minutes, see `tests/integration/jobs`; here nobody waits for it."""
    owner.execute(
        "update jobs.procrastinate_jobs set status = 'todo', worker_id = null where status = 'doing'"
    )


def look_again(owner: psycopg.Connection) -> bool:
    """Have the workers look for jobs: one that waited for a lock is not announced, only polled for."""
    owner.execute(
        """select pg_notify('procrastinate_any_queue_v1', '{"type": "job_inserted", "job_id": 0}')"""
    )
    return True


def test_workers_that_are_killed_while_they_read_and_store_and_two_at_once_leave_one_state(
    reader, node: NodeServer, database, tmp_path, monkeypatch
) -> None:
    owner, wallet = reader.owner, reader.connect(booked=True)
    nothing = state(owner)
    sync_id = sync.request(owner, reader.user_id, wallet.id)
    asked, let = threading.Event(), threading.Event()
    reply = node.reply

    def held(body: bytes) -> tuple[int, bytes]:
        if b"eth_call" in body:
            asked.set()
            assert let.wait(_PATIENCE)
        return reply(body)

    monkeypatch.setattr(node, "reply", held)

    with a_worker(database, node, tmp_path) as reading:
        until(asked.is_set)
        reading.kill()
        reading.wait()
    assert sync.get(owner, sync_id).step == "reading"
    assert state(owner) == nothing
    retry_stalled(owner)

    asked.clear()
    with a_worker(database, node, tmp_path) as storing:
        until(asked.is_set)
        with psycopg.connect(database.owner) as other:
            # It reads to the end, and waits for the wallet in the transaction that stores.
            other.execute(
                "select from app.wallet_connections where id = %s for update", [wallet.id]
            )
            let.set()
            waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
            until(lambda: owner.execute(waits).fetchone() != (0,))
            storing.kill()
            storing.wait()
            assert sync.get(owner, sync_id).step == "storing"
    assert state(owner) == nothing
    retry_stalled(owner)

    (other_id, _) = owner.execute(sync._REQUEST, _job(reader, wallet)).fetchone()
    with a_worker(database, node, tmp_path), a_worker(database, node, tmp_path):
        for each in (sync_id, other_id):
            until(lambda each=each: look_again(owner) and sync.get(owner, each).finished_at)
    both = [sync.get(owner, each) for each in (sync_id, other_id)]
    assert sorted((each.status, each.imported) for each in both) == [
        ("succeeded", 0),
        ("succeeded", 2),
    ]
    done = state(owner)
    reader.sync(wallet)
    assert state(owner) == done
    assert [(symbol, kind) for symbol, kind, *_ in facts(reader)] == [
        ("ETH", "opening_balance"),
        ("USDC", "opening_balance"),
    ]


def _job(reader, wallet) -> dict[str, object]:
    """A further sync of the wallet, though one waits already."""
    lock = {"queue": sync.QUEUE, "task": sync.TASK, "lock": f"wallet {wallet.id}"}
    return {"user_id": reader.user_id, "wallet_id": wallet.id, **lock}


def test_every_wallet_is_due_once_an_hour(reader, owner: psycopg.Connection) -> None:
    wallets = [reader.connect(address="0x" + f"{number:040x}").id for number in range(1, 21)]
    owner.execute(
        "update app.wallet_connections set status = 'disabled' where id = %s", [wallets[0]]
    )
    hour = NOW.replace(minute=0)
    old = sync.request(owner, reader.user_id, wallets[0])
    owner.execute(
        "update app.wallet_syncs set status = 'failed', finished_at = %s where id = %s",
        [NOW - timedelta(days=31), old],
    )
    asked = [tasks.request_due(reader.conn, _at(hour, minute)) for minute in range(60)]
    assert sum(asked) == 19
    rows = owner.execute("select wallet_id, count(*) from app.wallet_syncs group by 1").fetchall()
    assert dict(rows) == dict.fromkeys(wallets[1:], 1)


def _at(hour: datetime, minute: int) -> datetime:
    return hour + timedelta(minutes=minute)


def test_a_chain_that_cannot_be_reached_is_said_in_plain_words_and_clicks_are_one_sync(
    open_reader, owner: psycopg.Connection
) -> None:
    reader = open_reader(node_settings("ethereum=http://127.0.0.1:1"))
    wallet = reader.connect()
    first = sync.request(reader.conn, reader.user_id, wallet.id)
    with pytest.raises(Unavailable):
        reader.run(first, is_last_try=False)
    assert sync.get(reader.conn, first).status == "running"
    clicks = {sync.request(reader.conn, reader.user_id, wallet.id) for _ in range(25)}
    assert clicks == {first}
    reader.run(first)
    found = sync.get(reader.conn, first)
    assert found.status == "failed"
    assert found.error == (
        "Ethereum cannot be read at the moment. It is tried again by itself within the hour."
    )
    assert sync.request(reader.conn, reader.user_id, wallet.id) != first
