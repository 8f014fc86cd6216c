"""Real worker processes, as the local system starts them: what they do when asked, when it is time, and when killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from coinsphere.exchanges.sync import syncs
from coinsphere.jobs.retries import FAULT
from tests.fakes import exchange_okx
from tests.fakes.exchange_okx import OkxAccount

_DAY_MS = 86_400_000


def _ago(days: float) -> int:
    """Epoch milliseconds of so many days before now: a worker has the real clock."""
    return int(time.time() * 1000 - days * _DAY_MS)


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Return once `condition` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


@pytest.fixture
def okx(world) -> OkxAccount:
    """An account of 250 trades, one transfer each way, and a reward."""
    made = OkxAccount(balances={"BTC": "25.25", "USDT": "749725"})
    made.fills = [
        exchange_okx.fill(n, "buy", "1000", "0.1", fee="-1", at=_ago(60) + n * 1000)
        for n in range(250)
    ]
    made.deposits = [exchange_okx.move("USDT", "775000", _ago(70))]
    made.withdrawals = [exchange_okx.move("USDT", "25", _ago(20), fee="0")]
    made.bills = [exchange_okx.bill(1, 83, "BTC", "0.25", _ago(30))]
    world.server.dialects["okx"] = made
    return made


@pytest.fixture
def start(world, tmp_path, redis_url) -> Iterator[Callable[[], Any]]:
    """Starts a worker, which is killed in the end."""
    inherited = {name: value for name, value in os.environ.items() if name != "COINSPHERE_HOME"}
    environment = {
        **inherited,
        "COINSPHERE_HOME": str(tmp_path),
        "COINSPHERE_DATABASE_URL": world.url,
        "COINSPHERE_REDIS_URL": redis_url,
        "COINSPHERE_ENCRYPTION_KEYS_DIR": str(world.keys.folder),
        "COINSPHERE_EXCHANGE_BASE_URL": world.server.url,
    }
    command = [sys.executable, "-m", "coinsphere.worker"]
    started: list[subprocess.Popen[bytes]] = []

    @contextmanager
    def worker() -> Iterator[subprocess.Popen[bytes]]:
        # What the next minute would bring: a dead one's heartbeat is old, and what is done each minute is due.
        # A second one beside a first that lives must not make that one look dead.
        if all(process.poll() is not None for process in started):
            world.owner.execute(
                "update jobs.procrastinate_workers set last_heartbeat = now() - interval '1 hour'"
            )
            world.owner.execute("delete from jobs.procrastinate_periodic_defers")
        process = subprocess.Popen(command, cwd=tmp_path, env=environment)
        started.append(process)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    yield worker
    for process in started:
        process.kill()


def _newest(world) -> syncs.Sync:
    (sync_id,) = world.owner.execute(
        "select id from app.exchange_syncs order by created_at desc limit 1"
    ).fetchone()
    return syncs.get(world.conn, sync_id)


def _counted(world) -> tuple[int, int]:
    return world.owner.execute(
        "select count(*), count(distinct external_id) from app.transactions"
    ).fetchone()


@pytest.mark.slow
def test_killed_at_any_point_the_next_worker_goes_on_and_the_ledger_is_the_same(
    world, okx, start, database
):
    """SIGKILL in the middle of four calls and of the transaction that stores a page, one after another."""
    connection_id = world.connect(okx)
    sync_id = syncs.request(world.conn, connection_id)
    points = iter([
        ("config", 1), ("fills-history", 2), ("bills-history", 1), ("account/balance", 2),
    ])  # fmt: skip
    reached, release = threading.Event(), threading.Event()
    waits_for: list[Any] = [next(points), 0]

    def hang(asked) -> None:
        if waits_for[0] is None or not asked.path.endswith(waits_for[0][0]):
            return
        waits_for[1] += 1
        if waits_for[1] == waits_for[0][1]:
            reached.set()
            release.wait(60)

    world.server.before = hang
    deaths = 0
    while waits_for[0] is not None:
        with start() as worker:
            until(reached.is_set)
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        deaths += 1
        waits_for[:] = [next(points, None), 0]
        release.set()
        reached.clear()
        release.clear()
    # In the middle of a transaction: it cannot store its cursor, and dies waiting for that.
    world.owner.execute("delete from app.exchange_cursors")
    with psycopg.connect(database.owner) as holding:
        holding.execute("lock table app.exchange_cursors in exclusive mode")
        with start() as worker:
            until(lambda: _is_blocked(world))
            worker.send_signal(signal.SIGKILL)
            worker.wait()
    deaths += 1
    with start():
        until(lambda: syncs.get(world.conn, sync_id).status == "succeeded")
    assert deaths == 5
    assert _counted(world) == (253, 253)
    assert world.issues() == []
    told = world.fingerprint()
    # The same account, read in one go into an empty ledger.
    world.owner.execute("delete from app.exchange_cursors")
    world.server.before = None
    again = world.sync(connection_id)
    assert (again.status, again.imported, world.fingerprint()) == ("succeeded", 0, told)


def _is_blocked(world) -> bool:
    """Whether the worker waits for the lock that the test holds."""
    waiting = world.conn.execute(
        "select count(*) from pg_locks where not granted and relation is not null"
    )
    return waiting.fetchone() != (0,)


def test_two_workers_at_once_read_each_account_once(world, okx, start):
    connection_id = world.connect(okx)
    sync_id = syncs.request(world.conn, connection_id)
    # The same sync once more, without the lock that keeps jobs of one account apart.
    world.owner.execute(
        """select jobs.procrastinate_defer_jobs_v1(array[
            ('exchanges', 'sync_exchange', 0, null, null, jsonb_build_object('sync_id', %s::text), null)
                ::jobs.procrastinate_job_to_defer_v1
        ])""",
        [str(sync_id)],
    )
    open_jobs = """select count(*) from jobs.procrastinate_jobs
        where task_name = 'sync_exchange' and status in ('todo', 'doing')"""
    with start(), start():
        until(lambda: syncs.get(world.conn, sync_id).status == "succeeded")
        until(lambda: world.owner.execute(open_jobs).fetchone() == (0,))
    assert _counted(world) == (253, 253)
    assert syncs.get(world.conn, sync_id).imported == 253
    assert world.server.asked.count("okx /api/v5/asset/bills-history") == 1
    failed = "select count(*) from jobs.procrastinate_jobs where status = 'failed'"
    assert world.owner.execute(failed).fetchone() == (0,)


def test_accounts_are_read_when_it_is_time_and_keys_are_looked_at_each_day(world, okx, start):
    """Three days in the life of a key: it is due, due and known, due and become too powerful."""
    connection_id = world.connect(okx)
    with start():
        until(lambda: _state(world)[0] is not None)
    first = _state(world)
    assert first[1:] == ("active", True, True)
    assert world.server.asked.count("okx /api/v5/account/config") == 1
    okx.perm = "read_only,withdraw"
    _travel(world, "next_sync_at = now() - interval '1 minute'")
    with start():
        until(lambda: _state(world)[0] > first[0])
    assert world.server.asked.count("okx /api/v5/account/config") == 1
    _travel(
        world,
        "next_sync_at = now() - interval '1 minute', permissions_checked_at = now() - interval '1 day'",
    )
    mails = "select subject from app.mails where sent_at is not null"
    with start():
        until(lambda: world.owner.execute(mails).fetchone() is not None)
    assert world.server.asked.count("okx /api/v5/account/config") == 2
    stopped = world.owner.execute(
        "select status, next_sync_at, permissions ->> 'verdict' from app.exchange_connections"
    ).fetchone()
    assert stopped == ("disabled", None, "can_withdraw")
    assert world.owner.execute(mails).fetchone() == ("Your OKX account is no longer read",)
    assert _newest(world).status == "failed"
    assert syncs.request(world.conn, connection_id) is None


def _state(world) -> tuple[Any, ...]:
    """When the account was read last, its state, and whether its next reading and its key's check are of today."""
    return world.owner.execute("""
        select last_synced_at, status, next_sync_at between now() and now() + interval '1 hour',
            permissions_checked_at > now() - interval '1 hour'
        from app.exchange_connections
    """).fetchone()


def _travel(world, to: str) -> None:
    world.owner.execute(f"update app.exchange_connections set {to}")


def test_a_fault_that_nobody_foresaw_closes_the_sync_and_the_next_one_begins(world, okx, start):
    connection_id = world.connect(okx)
    assert world.sync(connection_id).status == "succeeded"
    world.owner.execute("update app.exchange_cursors set position = '[7]'")
    sync_id = syncs.request(world.conn, connection_id)
    job = "select status::text from jobs.procrastinate_jobs where args ->> 'sync_id' = %s"
    with start():
        # The fault itself is seen as a failed job, with the worker's log.
        until(lambda: world.owner.execute(job, [str(sync_id)]).fetchone() == ("failed",))
    failed = syncs.get(world.conn, sync_id)
    assert (failed.status, failed.error) == ("failed", FAULT)
    assert failed.finished_at is not None
    world.owner.execute("delete from app.exchange_cursors")
    assert world.sync(connection_id).status == "succeeded"
