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

from coinsphere.audit import anchoring, chain
from coinsphere.audit.events import Event
from coinsphere.cli.main import cli
from coinsphere.clock import utc_now
from coinsphere.jobs import cron as worker_crons
from coinsphere.jobs import records
from coinsphere.jobs.retries import FAULT
from coinsphere.market.quality import quarantine, set_aside
from coinsphere.market.quality.quarantine import Rejected
from coinsphere.market.quality.set_aside import Scope, Subject
from coinsphere.notify import data_alarm, disk_alarm, mail
from coinsphere.portfolio.imports import importing
from coinsphere.portfolio.jobs import recompute
from coinsphere.security.symmetric_keys import SymmetricKeys
from coinsphere.settings import Settings
from coinsphere.worker import app as worker_app
from tests.fakes import stripe_server

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
        "deliver_messages": {},
        "refresh_customer": {"provider": "stripe", "customer": "cus_1"},
        "close_customer": {"provider": "stripe", "customer": "cus_1"},
    }


def test_every_task_succeeds_in_the_workers_process_and_role(database, owner, tmp_path):
    app = worker_app.build(Settings(database_url=SecretStr(database.worker), home=tmp_path))
    tasks = {name: task for name, task in app.tasks.items() if task.queue != "builtin"}
    periodic = {name for name, _ in app.periodic_registry.periodic_tasks}
    told = _arguments(owner) | {name: {"timestamp": int(NOW.timestamp())} for name in periodic}
    assert told.keys() == {task.name for task in tasks.values()}
    chain.append(owner, SymmetricKeys(tmp_path / "audit-keys"), Event.LOGIN, NOW)
    for name, args in told.items():
        row = {"queue": app.tasks[name].queue, "task": name, "args": json.dumps(args)}
        owner.execute(_DEFER, row)
    with (
        stripe_server.serving(NOW) as provider,
        _worker(
            database,
            tmp_path,
            COINSPHERE_STRIPE_SECRET_KEY=stripe_server.KEY,
            COINSPHERE_STRIPE_WEBHOOK_SECRET=stripe_server.SECRET,
            COINSPHERE_STRIPE_PRICE=stripe_server.PRICE,
            COINSPHERE_STRIPE_URL=provider.url,
        ),
    ):
        provider.customers["cus_1"] = {"id": "cus_1"}
        for name in told:
            until(lambda name=name: owner.execute(_ENDED, [name]).fetchone(), 240)
    outcomes = {name: owner.execute(_ENDED, [name]).fetchone()[0] for name in told}
    assert outcomes == dict.fromkeys(told, "succeeded"), (tmp_path / "worker.log").read_text()
    # The audit log was read, and its verdict kept, by rights that the worker's role has only while it says so.
    assert anchoring.read_anchors(tmp_path / "audit-anchors.jsonl")[-1].seq == 1
    assert owner.execute("select problem from app.audit_verdict").fetchone() == (None,)
    assert provider.customers == {}


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
    app = worker_app.build(Settings(database_url=SecretStr(database.worker), home=tmp_path))
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


def test_data_that_wait_for_a_decision_are_told_once_in_one_mail_a_day(
    database, owner, pipeline, tmp_path
):
    (btc,) = owner.execute("select id from market.tokens where symbol = 'BTC'").fetchone()
    settings = Settings(
        worker_database_url=SecretStr(database.worker),
        home=tmp_path,
        frontend_url="https://coins.example.org/",
    )
    told = settings.model_copy(update={"operator_email": "operator@example.org"})
    now = utc_now()

    def hold(rule: str, since: datetime, *days: int) -> None:
        subjects = [
            Subject(btc, datetime(2026, 3, day, tzinfo=UTC), rule, f"{rule} is broken.", {})
            for day in days
        ]
        set_aside.apply(pipeline, Scope.CANDLE, [rule], subjects, subjects[0].about, since)

    def refuse(price: str, came: datetime) -> None:
        quarantine.store(
            pipeline, [Rejected(btc, "quote", "kraken", "a price of\nzero", {"price": price})]
        )
        owner.execute(
            "update market.quarantine set quarantined_at = %s where payload ->> 'price' = %s",
            [came, price],
        )

    assert data_alarm.check(told, now) == 0, "nothing was found"
    hold("a_jump", now - timedelta(hours=5), 1, 2)
    refuse("0", now - timedelta(hours=4))
    assert data_alarm.check(settings, now) == 0, "nobody is to be told"
    # What is found while the mail is written may commit after it.
    hold("a_gap", now - timedelta(minutes=5), 3)
    owner.execute("update app.users set role = 'admin' where id = %s", [_user(owner)])
    assert data_alarm.check(told, now) == 2
    refuse("-1", now - timedelta(minutes=2))
    assert data_alarm.check(told, now + timedelta(hours=22)) == 0, "one mail a day"
    (administrator,) = owner.execute("select email from app.users").fetchone()
    mails = mail.newest(owner)
    assert {each.recipient for each in mails} == {administrator, "operator@example.org"}
    assert {each.subject for each in mails} == {data_alarm.SUBJECT}
    for said in (
        "- BTC, 2 candles from 2026-03-01 to 2026-03-02: a_jump is broken.",
        "- BTC: 1 quote row refused on arrival, the last",
        "a price of zero",
        "coinsphere market quarantine",
        "https://coins.example.org/admin/data",
    ):
        assert said in mails[0].text
    assert "a_gap" not in mails[0].text

    assert data_alarm.check(told, now + timedelta(hours=24)) == 2
    second = mail.newest(owner)[0].text
    assert "a_gap" in second
    assert "1 quote row" in second
    assert "a_jump" not in second
    assert owner.execute("update app.mails set created_at = %s", [now + timedelta(hours=24)])
    assert data_alarm.check(told, now + timedelta(hours=48)) == 0, "nothing new was found"


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


def test_a_job_that_failed_or_is_stuck_is_seen_until_its_work_is_done_or_it_is_cancelled(
    database, owner, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COINSPHERE_DATABASE_URL", database.worker)

    def run(*words: object):
        return CliRunner().invoke(cli, ["jobs", *map(str, words)])

    def listed(*words: object) -> set[tuple[int, str]]:
        return {
            (row["id"], row["state"]) for row in json.loads(run("list", "--json", *words).output)
        }

    def job(status: str, minute: int, *, task: str = "anchor_audit", old: str = "0") -> int:
        query = """
            insert into jobs.procrastinate_jobs (queue_name, task_name, args, status)
            values ('housekeeping', %s, jsonb_build_object('timestamp', %s::int), %s) returning id
        """
        (made,) = owner.execute(query, [task, minute, status]).fetchone()
        owner.execute(
            "update jobs.procrastinate_events set at = now() - %s::interval where job_id = %s",
            [old, made],
        )
        owner.execute(
            "insert into jobs.procrastinate_events (job_id, type, at) values (%s, 'started', now() - %s::interval)",
            [made, old],
        )
        return made

    assert run("list").output == "None.\n"
    first = job("failed", 1)
    assert listed() == {(first, "failed")}
    assert "anchor_audit" in run("list").output
    assert json.loads(run("show", first).output)["events"][-1]["event"] == "started"
    with psycopg.connect(database.api) as api:
        assert records.problems(api) == ["1 failed in the queue housekeeping"]
    job("succeeded", 2)
    assert records.problems(owner) == []
    second = job("failed", 3)
    assert records.forget_done(owner) == 1
    assert run("retry", second).exit_code == 0
    assert listed("--state", "waiting") == {(second, "waiting")}
    slow, quick = job("doing", 4, old="61 minutes"), job("doing", 5, old="59 minutes")
    late = job("todo", 6, task="sync_wallet", old="11 minutes")
    assert listed() == {(slow, "stuck"), (late, "stuck")}
    assert listed("--state", "running", "--queue", "housekeeping") == {(quick, "running")}
    assert listed("--queue", "mail") == set()
    with psycopg.connect(database.api) as api:
        assert records.problems(api) == ["2 stuck in the queue housekeeping"]
    # One whose time has not come yet waits, however long ago it was asked for.
    owner.execute(
        "update jobs.procrastinate_jobs set scheduled_at = now() + interval '1 hour' where id = %s",
        [late],
    )
    assert listed() == {(slow, "stuck")}
    third = job("failed", 7)
    for cancelled in (third, second):
        assert run("cancel", cancelled).exit_code == 0
    for kept, why in ((third, "jobs list"), (slow, "it runs"), (late, "waits for it")):
        refused = run("cancel", kept)
        assert (refused.exit_code, why in refused.output) == (1, True)


def test_a_periodic_task_whose_tick_did_not_come_is_told_once_a_worker_ran_that_long(owner):
    now = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)

    def tick(task: str, *, at: datetime) -> None:
        owner.execute(
            "insert into jobs.procrastinate_periodic_defers (task_name, defer_timestamp) values (%s, %s)",
            [task, at.timestamp()],
        )

    def minutes(first: int, last: int) -> None:
        """A worker was awake from so many minutes ago until so many."""
        owner.execute(
            "insert into jobs.procrastinate_jobs (queue_name, task_name, args, status)"
            " select 'housekeeping', 'retry_stalled', jsonb_build_object('timestamp', %s - 60 * m), 'succeeded'"
            " from generate_series(%s::int, %s::int) m",
            [int(now.timestamp()), last, first],
        )

    assert worker_crons.of_worker(owner, now) == [], "nothing ran yet"
    minutes(300, 240)
    for name, cron in worker_crons.CRONS.items():
        tick(name, at=now if cron.startswith("*") else now - timedelta(minutes=240))
    minutes(10, 0)
    assert worker_crons.of_worker(owner, now) == [], "it was down when they should have come"
    minutes(100, 11)
    hourly = {name for name, cron in worker_crons.CRONS.items() if not cron.startswith("*")}
    assert {said.split()[0] for said in worker_crons.of_worker(owner, now)} == hourly
    for name in hourly - {"anchor_audit"}:
        owner.execute("delete from jobs.procrastinate_periodic_defers where task_name = %s", [name])
        tick(name, at=now - timedelta(minutes=20))
    assert worker_crons.of_worker(owner, now) == [
        "anchor_audit did not come at 2026-03-10 11:41 UTC"
    ]


def test_every_periodic_task_has_its_time_in_the_table_of_ticks(tmp_path):
    app = worker_app.build(Settings(database_url=SecretStr("postgresql://x"), home=tmp_path))
    registered = {
        name: task.cron for (name, _), task in app.periodic_registry.periodic_tasks.items()
    }
    assert registered == worker_crons.CRONS
