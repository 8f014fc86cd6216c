"""Wallets through the worker as the local system starts it, and the hourly sync of all of them."""

import os
import subprocess
import sys
import time
from datetime import datetime, timedelta

import psycopg

from coinsphere.wallets import sync, tasks
from tests.fakes.evm.chain import NodeServer
from tests.integration.wallets.conftest import NOW


def test_the_worker_reads_a_wallet_and_books_what_it_holds(
    reader, node: NodeServer, database, tmp_path, owner: psycopg.Connection
) -> None:
    wallet = reader.connect(booked=True)
    with owner.transaction():
        sync_id = sync.request(owner, reader.user_id, wallet.id)
    environment = {
        **os.environ,
        "COINSPHERE_HOME": str(tmp_path),
        "COINSPHERE_DATABASE_URL": database.worker,
        "COINSPHERE_WALLET_NODES": f"ethereum={node.url}",
        "COINSPHERE_WALLET_PRIVATE_NETWORKS": "true",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "coinsphere.jobs"], cwd=tmp_path, env=environment
    ) as process:
        try:
            deadline = time.monotonic() + 90
            while (found := sync.get(owner, sync_id)) and found.status in ("queued", "running"):
                assert time.monotonic() < deadline, found
                time.sleep(0.1)
            while owner.execute("select count(*) from app.holdings").fetchone() != (2,):
                assert time.monotonic() < deadline, "not booked"
                time.sleep(0.1)
        finally:
            process.terminate()
    assert found is not None
    assert (found.status, found.imported) == ("succeeded", 2)


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
