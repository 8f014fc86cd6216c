"""Finds schedules that missed a tick: when each should have run last, and when it did.

Pure but for `of_worker`. A schedule is asked only about ticks since everything was awake: what was missed while the
system was down is no fault of its.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from croniter import croniter  # type: ignore[import-untyped]  # it has no types
from psycopg import Connection

GRACE = timedelta(minutes=5)
"""A tick may be late by so much on a busy machine."""

# A gap between two minutes in which every minute's task was asked for is a time in which no worker ran.
_AWAKE = """
    with minutes as (
        select to_timestamp((args ->> 'timestamp')::bigint) as tick from jobs.procrastinate_jobs
        where task_name = %(minutely)s
    ), gaps as (select tick, tick - lag(tick) over (order by tick) as gap from minutes)
    select coalesce(max(tick) filter (where gap > %(grace)s), min(tick)) from gaps
"""
_LAST = """
    select task_name, max(to_timestamp(defer_timestamp)) from jobs.procrastinate_periodic_defers group by task_name
"""
CRONS = {
    "retry_stalled": "* * * * *",
    "incomplete_logins": "* * * * *",
    "sync_due_exchanges": "* * * * *",
    "sync_due_wallets": "* * * * *",
    "wake_channels": "* * * * *",
    "apply_asset_events": "*/5 * * * *",
    "watch_disk": "7 * * * *",
    "watch_data": "11 * * * *",
    "delete_old": "17 * * * *",
    "account_upkeep": "23 * * * *",
    "forget_requests": "23 * * * *",
    "reconcile_payments": "37 * * * *",
    "anchor_audit": "41 * * * *",
}
"""When the worker does what comes round again: each periodic task by name, in UTC."""
MINUTELY = "retry_stalled"
"""The one whose minutes say since when a worker runs."""


def missed(cron: str, last: datetime | None, awake: datetime, now: datetime) -> datetime | None:
    """The newest tick of `cron` (in UTC) that should have come by now and did not; None where all did.

    Args:
        cron: five fields.
        last: the tick that came last.
        awake: ticks before it could not come.
        now: with the grace before it.
    """
    due = croniter(cron, now - GRACE, ret_type=datetime).get_prev(datetime).astimezone(UTC)
    is_expected = due > awake
    return due if is_expected and (last is None or last < due) else None


def problems(
    crons: Mapping[str, str], last: Mapping[str, datetime], awake: datetime | None, now: datetime
) -> list[str]:
    """A sentence for each schedule, by name, that missed its tick; none where nothing is awake."""
    if awake is None:
        return []
    late = {name: missed(cron, last.get(name), awake, now) for name, cron in crons.items()}
    return [
        f"{name} did not come at {due:%Y-%m-%d %H:%M} UTC"
        for name, due in late.items()
        if due is not None
    ]


def of_worker(conn: Connection, now: datetime) -> list[str]:
    """A sentence for each of the worker's periodic tasks that was not asked for in time."""
    parameters = {"minutely": MINUTELY, "grace": GRACE}
    (awake,) = conn.execute(_AWAKE, parameters).fetchone() or (None,)
    return problems(CRONS, dict(conn.execute(_LAST).fetchall()), awake, now)
