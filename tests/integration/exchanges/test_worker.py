"""The worker process does what the API asked for, with its own role and keys."""

import os
import subprocess
import sys
import time

from coinsphere.exchanges import syncs
from tests.fakes import exchange_kraken
from tests.integration.exchanges.conftest import at


def test_the_worker_reads_an_account_that_was_asked_for_and_one_that_is_due(
    world, kraken, database, tmp_path
):
    kraken.ledger = {"L1": exchange_kraken.entry("deposit", "XXBT", "0.5", at(90) / 1000)}
    connection_id = world.connect(kraken)
    sync_id = syncs.request(world.conn, connection_id)
    inherited = {name: value for name, value in os.environ.items() if name != "COINSPHERE_HOME"}
    environment = {
        **inherited,
        "COINSPHERE_HOME": str(tmp_path),
        "COINSPHERE_DATABASE_URL": database.worker,
        "COINSPHERE_ENCRYPTION_KEYS_DIR": str(world.keys.folder),
        "COINSPHERE_EXCHANGE_BASE_URL": world.server.url,
    }
    command = [sys.executable, "-m", "coinsphere.jobs"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment) as worker:
        try:
            done = _until_done(world, sync_id)
        finally:
            worker.terminate()
    assert (done.status, done.error, done.imported) == ("succeeded", None, 1)
    assert world.held()["BTC"].as_tuple().digits == (5,)


def _until_done(world, sync_id):
    deadline = time.monotonic() + 60
    while (done := syncs.get(world.conn, sync_id)).status in ("queued", "running"):
        assert time.monotonic() < deadline, done
        time.sleep(0.1)
    return done
