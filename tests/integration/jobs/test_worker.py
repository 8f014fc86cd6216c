"""The worker process as the local system starts it: `python -m coinsphere.worker` in the role of the worker."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from types import SimpleNamespace

import httpx2
import psycopg
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from coinsphere.db import owner as scopes
from coinsphere.jobs.retries import RetryPolicy
from coinsphere.local import log_lines
from coinsphere.notify import mail
from coinsphere.portfolio import invalidations
from coinsphere.settings import Settings
from coinsphere.worker import app as worker_app
from tests.conftest import free_port
from tests.integration.outage import away

_API_OPTIONS = "-c search_path=app,market,model,jobs,public"


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    """Return once `condition` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


@contextmanager
def _worker(database, home, code="", **environment):
    """A worker of its own process, which runs `code` first."""
    inherited = {name: value for name, value in os.environ.items() if name != "COINSPHERE_HOME"}
    with (home / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", f"{code}\nfrom coinsphere.worker.__main__ import main\nmain()"],
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


def test_a_job_that_does_not_end_in_time_is_given_back_and_taken_up_at_once(
    database, owner, tmp_path, hanging_relay
):
    """No heartbeat has to grow old for it, as after a kill, and the thread that hangs does not keep the process."""
    _enqueue(owner)
    url = {"COINSPHERE_SMTP_URL": f"smtp://127.0.0.1:{hanging_relay.port}"}
    short = "import coinsphere.worker.process as p; p._GRACE_SECONDS = 1.0; p._LEAVE_SECONDS = 0.5"
    with _worker(database, tmp_path, code=short, **url) as worker:
        until(hanging_relay.reached.is_set)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=15) == 0
    assert "jobs given back" in (tmp_path / "worker.log").read_text()
    given_back = (
        "select status, attempts from jobs.procrastinate_jobs where task_name = 'send_mail'"
    )
    assert owner.execute(given_back).fetchall() == [("todo", 1)]
    hanging_relay.release.set()
    with _worker(database, tmp_path, **url):
        until(lambda: not _unsent(owner))


def test_the_worker_comes_back_by_itself_after_its_database(postgres, database, tmp_path):
    with _worker(database, tmp_path) as worker:
        with psycopg.connect(database.owner, autocommit=True) as before:
            before.execute("set search_path = jobs")
            _enqueue(before)
            until(lambda: not _unsent(before))
        with away(postgres, database.name):
            until(lambda: _has_noticed(tmp_path, times=len(worker_app.SLOTS)))
        assert worker.poll() is None
        with psycopg.connect(database.owner, autocommit=True) as after:
            after.execute("set search_path = jobs")
            _enqueue(after)
            until(lambda: not _unsent(after), 90)
        assert worker.poll() is None


def test_a_worker_ends_when_told_though_its_database_is_away(postgres, database, tmp_path):
    with away(postgres, database.name), _worker(database, tmp_path) as worker:
        until(lambda: _has_noticed(tmp_path))
        assert worker.poll() is None
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=30) == 0


def _has_noticed(home, times: int = 1) -> bool:
    """Each queue says it once, and once more for each try to come back."""
    return (home / "worker.log").read_text().count("the database is away") >= times


def test_a_relay_that_hangs_holds_up_no_other_work(database, owner, tmp_path, hanging_relay):
    """Ten mails at such a relay, and behind them one job of each other queue and a periodic one."""
    url = {"COINSPHERE_SMTP_URL": f"smtp://127.0.0.1:{hanging_relay.port}"}
    with _worker(database, tmp_path, **url):
        for _ in range(10):
            _enqueue(owner)
        until(hanging_relay.reached.is_set)
        user = _user(owner)
        invalidations.enqueue(owner, user)
        owner.execute(_DEFER_UNKNOWN, {"queue": "exchanges", "task": "sync_exchange"})
        owner.execute(_DEFER_UNKNOWN, {"queue": "wallets", "task": "sync_wallet"})
        owner.execute("delete from jobs.procrastinate_periodic_defers")
        for task in ("update_portfolios", "sync_exchange", "sync_wallet", "retry_stalled"):
            until(lambda task=task: _succeeded(owner, task))
        # The relay was let go meanwhile, and is left alone: mails do not wait for it one after another.
        until(lambda: owner.execute(_RESTING).fetchone()[0] > 3)
        assert not hanging_relay.release.is_set()
        assert _unsent(owner) == 10
        hanging_relay.release.set()
        until(lambda: _sent_after_retry(owner), 240)


def _sent_after_retry(owner) -> bool:
    """Whether all mails are out; if not, retried as an operator does: attempts at a relay at rest use up a job's own."""
    if not _unsent(owner):
        return True
    mail.retry(owner)
    time.sleep(1)
    return False


_DEFER_UNKNOWN = """
    select jobs.procrastinate_defer_jobs_v1(array[(
        %(queue)s, %(task)s, 0, null, null, jsonb_build_object('sync_id', gen_random_uuid()), null
    )::jobs.procrastinate_job_to_defer_v1])
"""
_RESTING = "select count(*) from app.mails where last_error like 'RelayAway%'"


def _succeeded(owner, task: str) -> int:
    query = (
        "select count(*) from jobs.procrastinate_jobs where task_name = %s and status = 'succeeded'"
    )
    return owner.execute(query, [task]).fetchone()[0]


def test_changes_of_one_user_are_one_job_that_begins_when_the_lock_is_free(
    database, owner, tmp_path
):
    """Polling is too seldom to help: what begins a job that waits is the end of the one before."""
    user = _user(owner)
    # A change holds the user's books: the first job begins and waits for them.
    with psycopg.connect(database.owner) as change, _worker(database, tmp_path):
        invalidations.lock(change, user)
        invalidations.enqueue(owner, user)
        until(lambda: _statuses(owner) == ["doing"])
        for _ in range(20):
            invalidations.enqueue(owner, user)
        assert _statuses(owner) == ["doing", "todo"]
        change.rollback()
        until(lambda: _statuses(owner) == ["succeeded", "succeeded"])


def test_the_end_of_a_job_wakes_the_next_of_its_lock_in_whatever_queue_that_waits(database, owner):
    user = _user(owner)
    owner.execute(_DEFER, {"queue": "exchanges", "lock": f"portfolios {user}"})
    (first,) = owner.execute(_FETCH).fetchone()
    invalidations.enqueue(owner, user)
    assert owner.execute(_FETCH).fetchone() == (None,)
    with psycopg.connect(database.owner, autocommit=True) as worker:
        worker.execute('listen "procrastinate_queue_v1#portfolios"')
        owner.execute("select jobs.procrastinate_finish_job_v1(%s, 'failed', false)", [first])
        assert [each.channel for each in worker.notifies(timeout=30, stop_after=1)]
    assert owner.execute(_FETCH).fetchone() not in [(None,), (first,)]


def test_jobs_of_one_statement_are_announced_once_to_each_queue(database, owner):
    with psycopg.connect(database.owner, autocommit=True) as worker:
        for channel in ("any_queue_v1", "queue_v1#mail", "queue_v1#exchanges"):
            worker.execute(f'listen "procrastinate_{channel}"')
        owner.execute(_DEFER_MANY)
        told = [each.channel for each in worker.notifies(timeout=30, stop_after=4)]
        told += [each.channel for each in worker.notifies(timeout=0)]
    assert sorted(told) == ["procrastinate_any_queue_v1"] * 2 + [
        "procrastinate_queue_v1#exchanges",
        "procrastinate_queue_v1#mail",
    ]
    jobs = owner.execute("select id from jobs.procrastinate_jobs order by id").fetchall()
    assert len(jobs) == 10
    assert (
        owner.execute(
            "select job_id from jobs.procrastinate_events where type = 'deferred' order by 1"
        ).fetchall()
        == jobs
    )


_DEFER_MANY = """
    select jobs.procrastinate_defer_jobs_v1(array_agg((
        case when n < 5 then 'mail' else 'exchanges' end, 'x', 0, null, null, '{}', null
    )::jobs.procrastinate_job_to_defer_v1))
    from generate_series(0, 9) as n
"""
_FETCH = "select id from jobs.procrastinate_fetch_job_v2(null, null)"
_DEFER = """
    select jobs.procrastinate_defer_jobs_v1(array[(
        %(queue)s, 'x', 0, %(lock)s, null, '{}', null
    )::jobs.procrastinate_job_to_defer_v1])
"""


def _user(owner):
    query = (
        "insert into app.users (email, password_hash) values ('ada@example.org', 'x') returning id"
    )
    return owner.execute(query).fetchone()[0]


def _statuses(owner) -> list[str]:
    query = (
        "select status::text from jobs.procrastinate_jobs where task_name = %s order by status, id"
    )
    return sorted(status for (status,) in owner.execute(query, ["update_portfolios"]).fetchall())


def test_a_change_is_not_lost_to_a_job_that_began_before_it_could_be_seen(database, owner):
    """The job that waits is held by a change until that is committed; a worker passes it by meanwhile."""
    user = _user(owner)
    invalidations.enqueue(owner, user)
    with psycopg.connect(database.api) as change:
        change.execute("set search_path = app, jobs, public")
        invalidations.enqueue(change, user)
        assert owner.execute(_FETCH).fetchone() == (None,)
        change.commit()
    assert owner.execute(_FETCH).fetchone() != (None,)


def test_a_job_that_waits_for_its_next_try_holds_up_no_other_of_its_lock(database, owner):
    user = _user(owner)
    invalidations.enqueue(owner, user)
    (first,) = owner.execute(_FETCH).fetchone()
    invalidations.enqueue(owner, user)
    decision = RetryPolicy(exponential_wait=3).get_retry_decision(
        exception=OSError(), job=SimpleNamespace(attempts=5)
    )
    retry = "select jobs.procrastinate_retry_job_v2(%s, %s, %s, null, null)"
    owner.execute(retry, [first, decision.retry_at, decision.priority])
    assert owner.execute(_FETCH).fetchone() not in [(None,), (first,)]


def test_every_task_is_of_a_queue_that_is_served(database):
    app = worker_app.build(Settings(database_url=SecretStr(database.worker)))
    own = [task for task in app.tasks.values() if task.queue != "builtin"]
    assert own
    assert {task.queue for task in own} == set(worker_app.SLOTS)


def test_a_job_bears_the_request_that_enqueued_it_and_its_figures_are_told(
    database, owner, tmp_path
):
    """The API's way, in the API's role: the name of the request stands in the transaction, and in nobody's arguments."""
    user, request_id, port = _user(owner), "0123456789abcdef" * 2, free_port()
    with psycopg.connect(database.api, autocommit=True, options=_API_OPTIONS) as conn:
        scopes.begin(conn, user, request_id=request_id)
        invalidations.enqueue(conn, user)
        conn.commit()
    _enqueue(owner)
    known = owner.execute("select task_name, request_id from jobs.procrastinate_jobs").fetchall()
    assert sorted(known) == [("send_mail", None), ("update_portfolios", request_id)]

    def told() -> str:
        return httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=60, trust_env=False).text

    with _worker(database, tmp_path, COINSPHERE_WORKER_METRICS_PORT=str(port)):
        until(lambda: not _unsent(owner))
        until(lambda: 'ended_total{outcome="done",task="update_portfolios"} 1.0' in told())
        assert 'coinsphere_jobs_ended_total{outcome="failed",task="anchor_audit"} 0.0' in told()
        lag = text_string_to_metric_families(told())
        waited = {
            sample.labels["queue"]: sample.value
            for family in lag
            for sample in family.samples
            if sample.name == "coinsphere_job_lag_seconds_sum"
        }
    assert waited["portfolios"] > 0
    lines = log_lines.of_files(
        [tmp_path / "worker.log"], log_lines.LineFilter(request_id=request_id)
    )
    assert [json.loads(line.text)["event"] for line in lines] == ["portfolios updated"]
