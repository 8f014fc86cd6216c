"""Time: the only place that reads the machine's clock, always in UTC."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

Clock = Callable[[], datetime]
"""Answers the present instant, timezone-aware, in UTC. Passed as an argument so that tests can choose it."""

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def utc_now() -> datetime:
    """The present instant in UTC."""
    return datetime.now(UTC)


def start_of_day(day: date) -> datetime:
    """Midnight UTC at which `day` begins."""
    return datetime.combine(day, time(), UTC)


def iso(moment: datetime) -> str:
    """`moment` as ISO-8601 in UTC with `Z`, as the wire contract writes it.

    Raises:
        ValueError: if `moment` has no timezone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no timezone")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
