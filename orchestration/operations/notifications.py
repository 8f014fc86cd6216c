"""Mails to the administrators: about a failed run, and about alarms of the models."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg import Connection

from coinsphere.notify import operators
from coinsphere.settings import Settings
from ml.monitoring import alarms
from ml.monitoring.alarms import Alarm

QUIET = timedelta(hours=1)
"""A job that fails every minute is one message, not sixty."""

_TEXT = """\
The run {run_id} of the job "{job}" failed at {now:%Y-%m-%d %H:%M} UTC.

Steps: {steps}
{message}

Its log: {url}
What to do: docs/runbooks/failed-run.md

You will not hear of this job again within an hour, however often it fails.
"""
_ALARMS = """\
Found at {now:%Y-%m-%d %H:%M} UTC of version {version} of the global model:

{alarms}

The check and its figures: {url}
What it means: docs/guides/forecasting.md

You will not hear of the same again before it has passed and come back.
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
    last = operators.last_told(conn, subject)
    if last is not None and now - last < QUIET:
        return 0
    return operators.tell(conn, operator, subject, text(run, now))


def announce_alarms(
    conn: Connection,
    raised: Sequence[Alarm],
    *,
    version: int,
    url: str,
    now: datetime,
    operator: str | None = None,
) -> int:
    """Queue one mail about all of `raised` for each active administrator, and for the operator; returns how many.

    The caller names only what was not told of before (`ml.monitoring.alarms.settle`), in the same transaction.
    """
    if not raised:
        return 0
    listed = "\n".join(f"- {alarm.detail}" for alarm in raised)
    subject = f"Coinsphere: {len(raised)} alarm{'s' if len(raised) > 1 else ''} of the forecasts"
    return operators.tell(
        conn, operator, subject, _ALARMS.format(now=now, version=version, alarms=listed, url=url)
    )


def tell(
    conn: Connection,
    settings: Settings,
    subject: str,
    standing: Sequence[Alarm],
    *,
    version: int,
    run_id: str,
    now: datetime,
) -> int:
    """Record the active alarms of `subject` and mail those that are new; returns how many mails."""
    raised = alarms.settle(conn, subject, standing, version, now)
    url = f"{settings.orchestrator_url}/runs/{run_id}"
    return announce_alarms(
        conn, raised, version=version, url=url, now=now, operator=settings.operator_email
    )


def text(run: FailedRun, now: datetime) -> str:
    """The mail's text."""
    steps = ", ".join(run.steps) or "none: the process ended by itself"
    return _TEXT.format(
        run_id=run.run_id, job=run.job, now=now, steps=steps, message=run.message, url=run.url
    )
