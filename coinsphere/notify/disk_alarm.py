"""Tells the administrators that the state folder's disk fills, once a day for as long as it does."""

from datetime import datetime, timedelta

import psycopg

from coinsphere import log
from coinsphere.local.disk import Room
from coinsphere.notify import mail
from coinsphere.settings import Role, Settings

SUBJECT = "Coinsphere: the disk fills"
_OPTIONS = "-c search_path=jobs,public -c timezone=UTC"
_QUIET = timedelta(hours=23)
_ADMINISTRATORS = "select email from app.users where role = 'admin' and is_active order by email"
_ALREADY_TOLD = """
    select exists (select from app.mails where subject = %(subject)s and created_at > %(since)s)
"""

_log = log.get("disk")


def check(settings: Settings, now: datetime) -> bool:
    """Whether there is room enough; where not, one line in the log and a mail to each, unless that was done today."""
    room = Room.of(settings)
    if room.remedy is None:
        return True
    with psycopg.connect(
        settings.url_for(Role.WORKER), connect_timeout=5, options=_OPTIONS
    ) as conn:
        told = {"subject": SUBJECT, "since": now - _QUIET}
        if conn.execute(_ALREADY_TOLD, told).fetchone() == (True,):
            return False
        recipients = {email for (email,) in conn.execute(_ADMINISTRATORS)}
        if settings.operator_email is not None:
            recipients.add(settings.operator_email)
        for recipient in sorted(recipients):
            mail.enqueue(conn, recipient, SUBJECT, f"{room.found}. {room.remedy}", None)
    _log.error("the disk fills", free_mib=room.free >> 20, least_mib=room.least >> 20)
    return False
