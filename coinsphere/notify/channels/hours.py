"""The time at which a message is due: at once, at the end of quiet hours, or with the next digest."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Habits:
    """A user's quiet hours and digests.

    Attributes:
        quiet_from: from when on nothing is told, by the clock of `zone`; None: there are no quiet hours.
        quiet_until: until when; before `quiet_from` it is that of the next day.
        zone: an IANA time zone.
        digest_minutes: messages wait so long for others and come as one; None: each comes alone.
    """

    quiet_from: time | None = None
    quiet_until: time | None = None
    zone: str = "UTC"
    digest_minutes: int | None = None


def due(habits: Habits, now: datetime, waiting: datetime | None = None) -> datetime:
    """The instant at which a message of `now` is due.

    Args:
        habits: of its channel.
        now: with a zone.
        waiting: when the digest is due that is being collected, if there is one.
    """
    if habits.digest_minutes is None:
        return awake(habits, now)
    return awake(habits, waiting or now + timedelta(minutes=habits.digest_minutes))


def awake(habits: Habits, at: datetime) -> datetime:
    """`at`, or the end of the quiet hours that it lies in. An hour that the clock skips ends when it would have."""
    if habits.quiet_from is None or habits.quiet_until is None:
        return at
    zone = ZoneInfo(habits.zone)
    local = at.astimezone(zone)
    for days in (-1, 0):
        day = local.date() + timedelta(days=days)
        begins = datetime.combine(day, habits.quiet_from, zone)
        over_night = habits.quiet_until <= habits.quiet_from
        ends = datetime.combine(day + timedelta(days=over_night), habits.quiet_until, zone)
        # As instants: on the days when the clock changes, local times say something else.
        if begins.timestamp() <= at.timestamp() < ends.timestamp():
            return ends.astimezone(at.tzinfo)
    return at
