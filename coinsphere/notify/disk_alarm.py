"""Mails operators when the state folder's disk fills, once a day while it does."""

from datetime import datetime, timedelta

import psycopg

from coinsphere import log
from coinsphere.health.disk import Room
from coinsphere.notify import operators
from coinsphere.settings import Role, Settings

SUBJECT = "Coinsphere: the disk fills"
_OPTIONS = "-c search_path=jobs,public -c timezone=UTC"
_QUIET = timedelta(hours=23)

_log = log.get("disk")


def check(settings: Settings, now: datetime) -> bool:
    """Whether there is room enough; if not, log it and mail each operator, once a day."""
    room = Room.of(settings)
    if room.remedy is None:
        return True
    with psycopg.connect(
        settings.url_for(Role.WORKER), connect_timeout=5, options=_OPTIONS
    ) as conn:
        last = operators.last_told(conn, SUBJECT)
        if last is not None and now - last < _QUIET:
            return False
        operators.tell(conn, settings.operator_email, SUBJECT, f"{room.found}. {room.remedy}")
    _log.error("the disk fills", free_mib=room.free >> 20, least_mib=room.least >> 20)
    return False
