"""The mail to the administrators about a failed run."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg import Connection

from coinsphere.notify import mail

QUIET = timedelta(hours=1)
"""A job that fails every minute is one message, not sixty."""

_ADMINISTRATORS = """
    select email from app.users
    where role = 'admin' and is_active
    order by email
"""
_ALREADY_TOLD = """
    select exists (
        select from app.mails where subject = %(subject)s and created_at > %(since)s
    )
"""
_TEXT = """\
The run {run_id} of the job "{job}" failed at {now:%Y-%m-%d %H:%M} UTC.

Steps: {steps}
{message}

Its log: {url}
What to do: docs/runbooks/failed-run.md

You will not hear of this job again within an hour, however often it fails.
"""


@dataclass(frozen=True, slots=True)
class FailedRun:
    """What an administrator needs to know; `message` is Dagster's own sentence."""

    job: str
    run_id: str
    steps: tuple[str, ...]
    message: str
    url: str


def announce(conn: Connection, run: FailedRun, now: datetime, operator: str | None = None) -> int:
    """Queue a mail for each active administrator, and for the operator; returns how many.

    None is queued where one about the same job was within the last hour.
    """
    subject = f"Coinsphere: the job {run.job} failed"
    (told,) = conn.execute(
        _ALREADY_TOLD, {"subject": subject, "since": now - QUIET}
    ).fetchone() or (False,)
    if told:
        return 0
    recipients = {email for (email,) in conn.execute(_ADMINISTRATORS)}
    if operator is not None:
        recipients.add(operator)
    for recipient in sorted(recipients):
        mail.enqueue(conn, recipient, subject, text(run, now), None)
    return len(recipients)


def text(run: FailedRun, now: datetime) -> str:
    """The mail's text."""
    steps = ", ".join(run.steps) or "none: the process ended by itself"
    return _TEXT.format(
        run_id=run.run_id, job=run.job, now=now, steps=steps, message=run.message, url=run.url
    )
