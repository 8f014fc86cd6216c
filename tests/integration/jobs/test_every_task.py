"""Every background task runs in the worker's own process and role: what a role lacks is seen here, not in the night."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner
from procrastinate import JobContext
from procrastinate.jobs import Job
from pydantic import SecretStr

from coinsphere import failed_jobs, jobs
from coinsphere.cli.main import cli
from coinsphere.clock import utc_now
from coinsphere.notify import disk_alarm, mail
from coinsphere.patience import FAULT
from coinsphere.portfolio.imports import importing
from coinsphere.portfolio.jobs import recompute
from coinsphere.security import audit
from coinsphere.security.audit_events import Event
from coinsphere.security.symmetric_keys import SymmetricKeys
from coinsphere.settings import Settings

from .test_worker import _user, _worker, until

NOW = datetime(2026, 3, 10, 3, 30, tzinfo=UTC)
_DEFER = """
    select jobs.procrastinate_defer_jobs_v1(array[(
        %(queue)s, %(task)s, 0, null, null, %(args)s, null
    )::jobs.procrastinate_job_to_defer_v1])
"""
_ENDED = "select status::text from jobs.procrastinate_jobs where task_name = %s and status in ('succeeded', 'failed')"


def _arguments(owner) -> dict[str, dict[str, object]]:
    """What each task is told to do, a periodic one but its minute. Those of whole syncs have tests of their own."""
    user = str(_user(owner))
    portfolio = owner.execute(
        "insert into app.portfolios (user_id, name) values (%s, 'one') returning id", [user]
    ).fetchone()[0]
    sync = owner.execute(
        "insert into app.portfolio_syncs (user_id, portfolio_id) values (%s, %s) returning id",
        [user, portfolio],
    ).fetchone()[0]
    mail.enqueue(owner, "ada@example.org", "Hello", "text", None)
    owner.execute("delete from jobs.procrastinate_jobs")
    return {
        "send_mail": {"mail_id": str(mail.newest(owner)[0].id)},
        "send_password_reset": {"email": "ada@example.org"},
        "update_portfolios": {"user_id": user},
        "sync_portfolio": {"sync_id": str(sync)},
        "import_transactions": {"batch_id": str(uuid4())},
        "sync_exchange": {"sync_id": str(uuid4())},
        "sync_wallet": {"sync_id": str(uuid4())},
    }


def test_every_task_succeeds_in_the_workers_process_and_role(database, owner, tmp_path):
    app = jobs.build(Settings(database_url=SecretStr(database.worker), home=tmp_path))
    tasks = {name: task for name, task in app.tasks.items() if task.queue != "builtin"}
    periodic = {name for name, _ in app.periodic_registry.periodic_tasks}
    told = _arguments(owner) | {name: {"timestamp": int(NOW.timestamp())} for name in periodic}
    assert told.keys() == {task.name for task in tasks.values()}
    audit.append(owner, SymmetricKeys(tmp_path / "audit-keys"), Event.LOGIN, NOW)
    for name, args in told.items():
        row = {"queue": app.tasks[name].queue, "task": name, "args": json.dumps(args)}
        owner.execute(_DEFER, row)
    with _worker(database, tmp_path):
        for name in told:
            until(lambda name=name: owner.execute(_ENDED, [name]).fetchone(), 240)
    outcomes = {name: owner.execute(_ENDED, [name]).fetchone()[0] for name in told}
    assert outcomes == dict.fromkeys(told, "succeeded"), (tmp_path / "worker.log").read_text()
    # The audit log was read for it, by a right that the worker's role has only while it says so.
    assert audit.read_anchors(tmp_path / "audit-anchors.jsonl")[-1].seq == 1


@pytest.mark.parametrize("error", [KeyError("x"), OSError("away")])
def test_what_a_failed_job_leaves_open_is_closed_unless_it_is_tried_again(
    database, owner, tmp_path, monkeypatch, error
):
    user, portfolio, batch = (str(_user(owner)), *(uuid4() for _ in range(2)))
    owner.execute(
        "insert into app.portfolios (id, user_id, name) values (%s, %s, 'one')", [portfolio, user]
    )
    (sync,) = owner.execute(
        "insert into app.portfolio_syncs (user_id, portfolio_id) values (%s, %s) returning id",
        [user, portfolio],
    ).fetchone()
    owner.execute(
        "insert into app.import_batches (id, user_id, portfolio_id, format, status)"
        " values (%s, %s, %s, 'coinsphere', 'queued')",
        [batch, user, portfolio],
    )

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(recompute, "rebuild", fail)
    monkeypatch.setattr(importing, "resolve", fail)
    app = jobs.build(Settings(database_url=SecretStr(database.worker), home=tmp_path))
    for name, args in (
        ("sync_portfolio", {"sync_id": str(sync)}),
        ("import_transactions", {"batch_id": str(batch)}),
    ):
        job = Job(id=1, queue="portfolios", lock=None, queueing_lock=None, task_name=name)
        with pytest.raises(type(error)):
            app.tasks[name].func(
                JobContext(app=app, job=job, start_timestamp=0.0, abort_reason=lambda: None), **args
            )
    for table, one in (("portfolio_syncs", sync), ("import_batches", batch)):
        status, told, ended = owner.execute(
            f"select status, error, finished_at is not null from app.{table} where id = %s", [one]
        ).fetchone()
        assert ((status, told, ended) == ("failed", FAULT, True)) is isinstance(error, KeyError)


def test_a_disk_that_fills_is_told_once_a_day(database, owner, tmp_path):
    owner.execute("update app.users set role = 'admin' where id = %s", [_user(owner)])
    plenty = shutil.disk_usage(tmp_path).total >> 20
    settings = Settings(
        worker_database_url=SecretStr(database.worker),
        home=tmp_path,
        least_free_mib=plenty,
        operator_email="operator@example.org",
    )
    assert disk_alarm.check(settings.model_copy(update={"least_free_mib": 0}), utc_now())
    assert mail.newest(owner) == []
    for _ in range(2):
        assert not disk_alarm.check(settings, utc_now())
    (administrator,) = owner.execute("select email from app.users").fetchone()
    told = {each.recipient: each.subject for each in mail.newest(owner)}
    assert told == dict.fromkeys((administrator, "operator@example.org"), disk_alarm.SUBJECT)
    assert not disk_alarm.check(settings, utc_now() + timedelta(days=1))
    assert len(mail.newest(owner)) == 4


def test_the_worker_reads_the_audit_log_only_as_the_auditor_who_reads_nothing_else(database):
    with psycopg.connect(database.worker, autocommit=True) as conn:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("select 1 from app.audit_logs")
        conn.execute("set role coinsphere_auditor")
        conn.execute("select 1 from app.audit_logs")
        for forbidden in (
            "insert into app.audit_logs (action) values ('x')",
            "delete from app.audit_logs",
            "select 1 from app.users",
            "select 1 from jobs.procrastinate_jobs",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(forbidden)


def test_a_failed_job_is_seen_until_its_work_is_done_or_it_is_forgotten(
    database, owner, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COINSPHERE_DATABASE_URL", database.worker)

    def run(*words: object):
        return CliRunner().invoke(cli, ["jobs", *map(str, words)])

    def job(status: str, minute: int) -> int:
        query = """
            insert into jobs.procrastinate_jobs (queue_name, task_name, args, status)
            values ('housekeeping', 'anchor_audit', jsonb_build_object('timestamp', %s::int), %s) returning id
        """
        return owner.execute(query, [minute, status]).fetchone()[0]

    assert run("list").output == "No job failed.\n"
    first = job("failed", 1)
    assert [row["id"] for row in json.loads(run("list", "--json").output)] == [first]
    assert "anchor_audit" in run("list").output
    with psycopg.connect(database.api) as api:
        assert failed_jobs.count(api) == 1
    job("succeeded", 2)
    assert failed_jobs.count(owner) == 0
    second = job("failed", 3)
    assert failed_jobs.forget_done(owner) == 1
    assert run("retry", second).exit_code == 0
    assert failed_jobs.count(owner) == 0
    third = job("failed", 4)
    assert run("forget", third).exit_code == 0
    refused = run("forget", third)
    assert (refused.exit_code, "jobs list" in refused.output) == (1, True)
