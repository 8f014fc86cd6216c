"""The worker process as the local system starts it: `python -m coinsphere.jobs` in the role of the worker."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager

import psycopg

from coinsphere.notify import mail
from tests.integration.outage import away


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Return once `condition` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


@contextmanager
def _worker(database, home, **environment):
    inherited = {name: value for name, value in os.environ.items() if name != "COINSPHERE_HOME"}
    with (home / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "coinsphere.jobs"],
            cwd=home,
            env={
                **inherited,
                "COINSPHERE_HOME": str(home),
                "COINSPHERE_DATABASE_URL": database.worker,
                **environment,
            },
            stderr=log,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def _enqueue(owner) -> None:
    mail.enqueue(owner, "ada@example.org", "Hello", "text", None)


def _unsent(owner) -> int:
    return owner.execute("select count(*) from app.mails where sent_at is null").fetchone()[0]


def test_a_mail_is_sent_and_the_worker_ends_when_told(database, owner, tmp_path):
    _enqueue(owner)
    with _worker(database, tmp_path) as worker:
        until(lambda: not _unsent(owner))
        _enqueue(owner)
        until(lambda: not _unsent(owner))
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=30) == 0
    assert len(list((tmp_path / "mail").glob("*.eml"))) == 2
    assert owner.execute("select count(*) from jobs.procrastinate_workers").fetchone() == (0,)


def test_housekeeping_runs_with_the_workers_privileges(database, owner, tmp_path):
    done = "select count(*) from jobs.procrastinate_jobs where task_name = 'retry_stalled' and status = 'succeeded'"
    with _worker(database, tmp_path):
        until(lambda: owner.execute(done).fetchone()[0])


def test_a_mail_whose_worker_was_killed_while_sending_is_sent_by_the_next(
    database, owner, tmp_path, hanging_relay
):
    _enqueue(owner)
    url = {"COINSPHERE_SMTP_URL": f"smtp://127.0.0.1:{hanging_relay.port}"}
    with _worker(database, tmp_path, **url) as worker:
        until(hanging_relay.reached.is_set)
        worker.kill()
        worker.wait()
    hanging_relay.release.set()
    assert _unsent(owner) == 1
    # What the next minute would bring: the dead one's heartbeat is old, and housekeeping is due.
    owner.execute(
        "update jobs.procrastinate_workers set last_heartbeat = now() - interval '1 hour'"
    )
    owner.execute("delete from jobs.procrastinate_periodic_defers")
    with _worker(database, tmp_path, **url):
        until(lambda: not _unsent(owner), 90)
    assert owner.execute("select attempts from app.mails").fetchone() == (2,)


def test_the_worker_comes_back_by_itself_after_its_database(postgres, database, tmp_path):
    with _worker(database, tmp_path) as worker:
        with psycopg.connect(database.owner, autocommit=True) as before:
            before.execute("set search_path = jobs")
            _enqueue(before)
            until(lambda: not _unsent(before))
        with away(postgres, database.name):
            time.sleep(6)  # longer than a heartbeat's interval, so that the worker notices
        assert worker.poll() is None
        with psycopg.connect(database.owner, autocommit=True) as after:
            after.execute("set search_path = jobs")
            _enqueue(after)
            until(lambda: not _unsent(after), 90)
        assert worker.poll() is None


def test_a_worker_ends_when_told_though_its_database_is_away(postgres, database, tmp_path):
    with away(postgres, database.name), _worker(database, tmp_path) as worker:
        deadline = time.monotonic() + 60
        while "the database is away" not in (tmp_path / "worker.log").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert worker.poll() is None
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=30) == 0
