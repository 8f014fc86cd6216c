"""The outbox of mails: a mail and the job that sends it are written in the transaction that causes them.

A change that is rolled back sends nothing; a worker that dies while it sends leaves a job that is tried again, so a
mail is sent at least once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.notify.transport import Transport

QUEUE = "mail"
TASK = "send_mail"

# Of thousands by one statement: one for each costs PostgreSQL and us several times as much. In binary long texts are
# handed over as they are.
_ENQUEUE = """
    with written as (
        insert into app.mails (user_id, alert_event_id, recipient, subject, body_text, body_html, is_secret)
        select *
        from unnest(
            %(user_ids)b::uuid[], %(alert_event_ids)b::uuid[], %(recipients)b::text[], %(subjects)b::text[],
            %(texts)b::text[], %(htmls)b::text[], %(secrets)s::boolean[]
        )
        on conflict (alert_event_id) do nothing
        returning id
    )
    select jobs.procrastinate_defer_jobs_v1(array_agg(
        (%(queue)s, %(task)s, 0, null, null, jsonb_build_object('mail_id', id), null)::jobs.procrastinate_job_to_defer_v1
    ))
    from written
    having count(*) > 0
"""
_MOST_AT_ONCE = 1_000
"""Mails of a statement, some megabytes of text."""
_MAIL = """
    select id, recipient, subject, body_text as text, body_html as html, attempts, last_error, created_at, sent_at
    from app.mails
"""
_GET = _MAIL + "where id = %(id)s"
_LIST = _MAIL + "order by created_at desc limit %(limit)s"
_ATTEMPT = "update app.mails set attempts = attempts + 1 where id = %(id)s and sent_at is null returning id"
_SENT = """
    update app.mails set
        sent_at = %(now)s,
        last_error = null,
        body_text = case when is_secret then %(forgotten)s else body_text end,
        body_html = case when is_secret then null else body_html end
    where id = %(id)s
"""
_FORGOTTEN = "The text held a secret link and was forgotten when it was sent."
_FAILED = "update app.mails set last_error = %(error)s where id = %(id)s"
# A job that waits for its next attempt is replaced by one that runs now; a mail that is being sent is left alone.
_RETRY = """
    with unsent as (
        select id from app.mails as mails
        where sent_at is null and last_error is not null
          and not exists (
              select from jobs.procrastinate_jobs
              where task_name = %(task)s and status = 'doing' and args ->> 'mail_id' = mails.id::text
          )
    ),
    waiting as (
        delete from jobs.procrastinate_jobs as waiting
        using unsent
        where waiting.task_name = %(task)s and waiting.status = 'todo' and waiting.args ->> 'mail_id' = unsent.id::text
    )
    select count(*), jobs.procrastinate_defer_jobs_v1(array_agg(
        (%(queue)s, %(task)s, 0, null, null, jsonb_build_object('mail_id', id), null)::jobs.procrastinate_job_to_defer_v1
    ))
    from unsent
    having count(*) > 0
"""


@dataclass(frozen=True, slots=True)
class NewMail:
    """A mail to be written.

    `alert_event_id` names the firing that it is about, which has one mail only. The text of a mail that `is_secret` is
    forgotten once it is sent: it holds a link that lets somebody in.
    """

    recipient: str
    subject: str
    text: str
    html: str | None = None
    user_id: UUID | None = None
    alert_event_id: UUID | None = None
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail of the outbox; `sent_at` is None while it waits."""

    id: UUID
    recipient: str
    subject: str
    text: str
    html: str | None
    attempts: int
    last_error: str | None
    created_at: datetime
    sent_at: datetime | None


def enqueue(
    conn: Connection,
    recipient: str,
    subject: str,
    text: str,
    html: str | None,
    *,
    user_id: UUID | None = None,
    alert_event_id: UUID | None = None,
) -> None:
    """Write a mail and the job that sends it, once for each event of an alert.

    `conn` must find the schema `jobs` by its search path, as those of `Database` do.

    Raises:
        psycopg.errors.CheckViolation: recipient or subject hold a control character, which could forge a header.
    """
    enqueue_all(conn, [NewMail(recipient, subject, text, html, user_id, alert_event_id)])


def enqueue_all(conn: Connection, mails: Sequence[NewMail]) -> None:
    """Write mails and the jobs that send them, as `enqueue` does one.

    Raises:
        psycopg.errors.CheckViolation: a recipient or subject holds a control character.
    """
    for start in range(0, len(mails), _MOST_AT_ONCE):
        conn.execute(_ENQUEUE, _columns(mails[start : start + _MOST_AT_ONCE]))


def _columns(mails: Sequence[NewMail]) -> dict[str, Any]:
    """The mails as one array a column."""
    return {
        "queue": QUEUE,
        "task": TASK,
        "user_ids": [each.user_id for each in mails],
        "alert_event_ids": [each.alert_event_id for each in mails],
        "recipients": [each.recipient for each in mails],
        "subjects": [each.subject for each in mails],
        "texts": [each.text for each in mails],
        "htmls": [each.html for each in mails],
        "secrets": [each.is_secret for each in mails],
    }


def send(conn: Connection, mail_id: UUID, transport: Transport, now: datetime) -> bool:
    """Send a mail unless it was sent. Returns False where there was nothing to send.

    Each step is a transaction of its own: `conn` must be in autocommit.

    Raises:
        OSError, smtplib.SMTPException: the relay did not take it; recorded in the mail, to be tried again.
    """
    if conn.execute(_ATTEMPT, {"id": mail_id}).fetchone() is None:
        return False
    mail = get(conn, mail_id)
    if mail is None:
        return False
    try:
        transport.send(str(mail.id), mail.recipient, mail.subject, mail.text, mail.html)
    except Exception as error:
        conn.execute(_FAILED, {"id": mail_id, "error": f"{type(error).__name__}: {error}"[:500]})
        raise
    conn.execute(_SENT, {"id": mail_id, "now": now, "forgotten": _FORGOTTEN})
    return True


def get(conn: Connection, mail_id: UUID) -> Mail | None:
    """One mail of the outbox."""
    return conn.cursor(row_factory=class_row(Mail)).execute(_GET, {"id": mail_id}).fetchone()


def newest(conn: Connection, limit: int = 50) -> Sequence[Mail]:
    """The newest mails, sent or not."""
    return conn.cursor(row_factory=class_row(Mail)).execute(_LIST, {"limit": limit}).fetchall()


def retry(conn: Connection) -> int:
    """Enqueue again every mail whose sending failed. Returns how many."""
    row = conn.execute(_RETRY, {"queue": QUEUE, "task": TASK}).fetchone()
    return row[0] if row else 0
