"""The outbox in a real database, and the command that shows it."""

import json
import smtplib
from datetime import UTC, datetime

import psycopg
import pytest
from click.testing import CliRunner

from coinsphere.cli.main import cli
from coinsphere.notify import mail
from coinsphere.notify.mail import NewMail
from tests.conftest import free_port

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def one(owner):
    """The id of one mail that waits."""
    mail.enqueue(owner, "ada@example.org", "Hello", "text", None)
    return mail.newest(owner)[0].id


def _jobs(conn) -> list[tuple]:
    return conn.execute(
        "select status::text, args ->> 'mail_id' from jobs.procrastinate_jobs order by id"
    ).fetchall()


def test_a_mail_is_sent_once_and_recorded(owner, relay, one):
    assert _jobs(owner) == [("todo", str(one))]
    assert mail.send(owner, one, relay.transport(), NOW)
    assert not mail.send(owner, one, relay.transport(), NOW)
    assert len(relay.taken) == 1
    sent = mail.get(owner, one)
    assert (sent.sent_at, sent.attempts, sent.last_error) == (NOW, 1, None)


def test_of_more_mails_than_a_statement_takes_each_has_its_job(owner, monkeypatch):
    monkeypatch.setattr(mail, "_MOST_AT_ONCE", 2)
    html = ['<p>\\ {"ä"}</p>', None, None, None, "<p></p>"]
    mails = [NewMail(f"{n}@example.org", "Hello", f"{n}", each) for n, each in enumerate(html)]
    mail.enqueue_all(owner, mails)
    stored = {str(each.id): each for each in mail.newest(owner)}
    in_order = [stored[mail_id] for _, mail_id in _jobs(owner)]
    assert [(each.recipient, each.text, each.html) for each in in_order] == [
        (each.recipient, each.text, each.html) for each in mails
    ]


def test_what_went_wrong_is_recorded_and_forgotten_once_it_is_sent(owner, relay, one):
    relay.answers["DATA"] = "451 later"
    with pytest.raises(smtplib.SMTPDataError):
        mail.send(owner, one, relay.transport(), NOW)
    assert "451" in mail.get(owner, one).last_error
    del relay.answers["DATA"]
    assert mail.send(owner, one, relay.transport(), NOW)
    assert (mail.get(owner, one).attempts, mail.get(owner, one).last_error) == (2, None)


def test_a_rolled_back_change_leaves_neither_mail_nor_job(owner):
    with owner.transaction(force_rollback=True):
        mail.enqueue(owner, "ada@example.org", "Hello", "text", None)
        assert len(mail.newest(owner)) == 1
    assert mail.newest(owner) == []
    assert _jobs(owner) == []


@pytest.mark.parametrize(
    ("recipient", "subject"),
    [("ada@example.org\r\nBcc: eve@example.org", "Hello"), ("ada@example.org", "Hello\nBcc: x")],
)
def test_a_forged_header_is_refused(owner, recipient, subject):
    with pytest.raises(psycopg.errors.CheckViolation):
        mail.enqueue(owner, recipient, subject, "text", None)
    assert _jobs(owner) == []


def test_a_retry_replaces_the_job_that_waits_and_leaves_the_one_that_runs(owner, one):
    owner.execute("update app.mails set last_error = 'refused'")
    owner.execute("update jobs.procrastinate_jobs set scheduled_at = now() + interval '3 days'")
    assert mail.retry(owner) == 1
    assert _jobs(owner) == [("todo", str(one))]
    assert owner.execute("select scheduled_at from jobs.procrastinate_jobs").fetchone() == (None,)
    owner.execute("update jobs.procrastinate_jobs set status = 'doing'")
    assert mail.retry(owner) == 0
    owner.execute("update jobs.procrastinate_jobs set status = 'failed'")
    assert mail.retry(owner) == 1
    assert _jobs(owner) == [("failed", str(one)), ("todo", str(one))]
    owner.execute("update app.mails set sent_at = now()")
    assert mail.retry(owner) == 0


@pytest.fixture
def command(database, tmp_path, monkeypatch):
    """`coinsphere mail …` as the pipeline's role."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COINSPHERE_DATABASE_URL", database.pipeline)

    def run(*words: object):
        return CliRunner().invoke(cli, ["mail", *map(str, words)])

    return run


def test_the_command_lists_shows_and_retries(owner, command, one):
    (row,) = json.loads(command("list", "--json").output)
    assert (row["id"], row["recipient"], row["sentAt"]) == (str(one), "ada@example.org", None)
    assert "waiting" in command("list").output
    assert command("show", one).output == "To: ada@example.org\nSubject: Hello\n\ntext\n"
    owner.execute("update app.mails set last_error = '[red] refused'")
    assert "[red]" in command("list").output
    assert command("retry").output == "1 mail is tried again.\n"


def test_the_command_says_what_to_do_about_an_unknown_mail(command):
    result = command("show", "7b0a6d1e-1d0f-4f5a-8a55-000000000000")
    assert result.exit_code == 1
    assert "coinsphere mail list" in result.output


def test_the_command_says_what_to_do_about_a_database_that_is_away(command, monkeypatch):
    monkeypatch.setenv("COINSPHERE_DATABASE_URL", f"postgresql://x:y@127.0.0.1:{free_port()}/x")
    result = command("list")
    assert result.exit_code == 1
    assert "coinsphere up" in result.output
    assert "Traceback" not in result.output
