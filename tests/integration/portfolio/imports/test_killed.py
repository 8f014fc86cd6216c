"""A worker that is killed in the middle of an import or of a rebuild: its successor ends what it began, once."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from coinsphere.portfolio import integrity, invalidations
from coinsphere.portfolio.imports import batches
from coinsphere.portfolio.jobs import recompute as books
from tests.integration.portfolio.conftest import World

pytestmark = pytest.mark.slow

ROWS = 12_000
FIRST = datetime(2024, 6, 1, tzinfo=UTC)
SYMBOLS = ("BTC", "ETH", "BNB")


@contextmanager
def worker(database, home: Path) -> Iterator[subprocess.Popen]:
    """The worker as the local system starts it."""
    settings = {"COINSPHERE_HOME": str(home), "COINSPHERE_DATABASE_URL": database.worker}
    with (home / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "coinsphere.worker"], env={**os.environ, **settings}, stderr=log
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def kill_in_between(world: World, database, home: Path, is_begun: Callable[[], object]) -> None:
    """Start a worker, and kill it once it has begun, between two of its transactions: the books are locked then."""
    with worker(database, home) as first:
        until(is_begun)
        with world.conn.transaction():
            invalidations.lock(world.conn, world.user)
            first.send_signal(signal.SIGKILL)
            first.wait()


def age_the_dead(owner) -> None:
    """What the next minute would bring: the dead one's heartbeat is old, and housekeeping is due."""
    owner.execute(
        "update jobs.procrastinate_workers set last_heartbeat = now() - interval '1 hour'"
    )
    owner.execute("delete from jobs.procrastinate_periodic_defers")


def counted(world: World, statement: str) -> int:
    return world.conn.execute(statement).fetchone()[0]


def test_an_import_and_a_rebuild_survive_the_death_of_their_worker(
    world: World, database, owner, tmp_path
) -> None:
    lines = (
        f"{(FIRST + n * timedelta(hours=1)).isoformat()},buy,{SYMBOLS[n % 3]},1.5,{n % 89 + 1},USD"
        for n in range(ROWS)
    )
    content = "\n".join(["date,type,token,amount,price,currency", *lines])
    batch_id = batches.start(
        world.conn, world.user, world.main, form="coinsphere", content=content.encode()
    )
    batches.confirm(world.conn, world.user, world.main, batch_id)

    def batch() -> batches.Batch:
        return batches.get(world.conn, world.user, world.main, batch_id)

    kill_in_between(world, database, tmp_path, lambda: batch().rows_done)
    assert 0 < batch().rows_done < ROWS
    assert 0 < counted(world, "select count(*) from app.transactions") < ROWS
    age_the_dead(owner)
    with worker(database, tmp_path):
        until(lambda: batch().status == "succeeded")
    done = batch()
    assert (done.rows_imported, done.problem_count) == (ROWS, 0)
    assert counted(world, "select count(*) from app.transactions") == ROWS
    assert counted(world, "select sum(quantity) from app.lots") == ROWS * 3 / 2
    before = world.state()

    unfinished = "select count(*) from app.booking_marks"
    with world.conn.transaction():
        books.invalidate_all(world.conn, world.user)
        invalidations.enqueue(world.conn, world.user)
    assert counted(world, unfinished) == len(SYMBOLS)
    kill_in_between(world, database, tmp_path, lambda: counted(world, unfinished) < len(SYMBOLS))
    assert 0 < counted(world, unfinished) < len(SYMBOLS)
    age_the_dead(owner)
    marked = f"select ({unfinished}) + (select count(*) from app.valuation_marks)"
    with worker(database, tmp_path):
        until(lambda: not counted(world, marked))
    assert world.state() == before
    assert [each for each in integrity.check(owner) if not each.holds] == []
