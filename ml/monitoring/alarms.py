"""`model.alarms`: which alarms are active. An alarm is reported once, and again only after it was cleared."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection

_RAISE = """
    insert into model.alarms (subject, name, detail, model_version, raised_at)
    values (%(subject)s, %(name)s, %(detail)s, %(version)s, %(now)s)
    on conflict (subject, name) where cleared_at is null do nothing
    returning id
"""
_CLEAR = """
    update model.alarms set cleared_at = %(now)s
    where subject = %(subject)s and cleared_at is null and not name = any(%(names)s)
"""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that people must look at: `name` is the same as long as it is the same thing, `detail` may change."""

    name: str
    detail: str


def settle(
    conn: Connection, subject: str, standing: Sequence[Alarm], version: int, now: datetime
) -> tuple[Alarm, ...]:
    """Record the active alarms of a subject and clear its others; returns those that are new.

    Args:
        conn: the caller tells people in the same transaction, so an alarm is told of exactly once.
        subject: what was looked at.
        standing: all that was found.
        version: of the model.
        now: when it was found.
    """
    conn.execute(
        _CLEAR, {"subject": subject, "names": [each.name for each in standing], "now": now}
    )
    return tuple(
        each
        for each in standing
        if conn.execute(
            _RAISE,
            {
                "subject": subject,
                "name": each.name,
                "detail": each.detail,
                "version": version,
                "now": now,
            },
        ).fetchone()
    )
