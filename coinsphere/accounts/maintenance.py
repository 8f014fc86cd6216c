"""Regular work on accounts: mails owners about unfinished logins, and deletes what has expired."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere import i18n
from coinsphere.notify import account_mails, mail
from coinsphere.notify.templates import Message

PATIENCE = timedelta(minutes=3)
"""A second factor that has not come by then will not come."""
FAILURES_KEPT = timedelta(days=30)
MAILS_KEPT = timedelta(days=3)
"""Mails of no account (any more), such as a farewell."""
EVENTS_KEPT = timedelta(days=400)
"""Product events: a year, and what a comparison with the year before needs."""

_TAKE_INCOMPLETE = """
    delete from app.incomplete_logins i using app.users u
    where i.started_at <= %(before)s and u.id = i.user_id
    returning u.id as user_id, u.email, host(i.ip_address) as ip_address, i.user_agent, i.started_at,
        u.locale
"""
_FORGET = (
    "delete from app.passkey_challenges where expires_at < %(now)s",
    "delete from app.openid_logins where expires_at < %(now)s",
    "delete from app.login_failures where last_failed_at < %(failures_before)s",
    "delete from app.mails where user_id is null and sent_at < %(mails_before)s",
    "delete from app.product_events where occurred_at < %(events_before)s",
)


@dataclass(frozen=True, slots=True)
class _Incomplete:
    """A login whose second factor has not come."""

    user_id: UUID
    email: str
    ip_address: str
    user_agent: str | None
    started_at: datetime
    locale: str | None


def tell_of_incomplete_logins(conn: Connection, now: datetime) -> int:
    """Mail the owners of accounts where a right password was not followed by a second factor. Returns how many mails.

    Each is told once; `conn` is of the pipeline's role, and the caller owns the transaction.
    """
    cursor = conn.cursor(row_factory=class_row(_Incomplete))
    logins = cursor.execute(_TAKE_INCOMPLETE, {"before": now - PATIENCE}).fetchall()
    messages = [(row, _words(row)) for row in logins]
    mail.enqueue_all(
        conn,
        [
            mail.NewMail(
                row.email, message.subject, message.text, message.html, user_id=row.user_id
            )
            for row, message in messages
        ],
    )
    return len(logins)


def _words(login: _Incomplete) -> Message:
    with i18n.speaking(login.locale):
        return account_mails.incomplete_login(login.ip_address, login.user_agent, login.started_at)


def forget_expired(conn: Connection, now: datetime) -> None:
    """Delete challenges, counters, mails and product events that nobody needs any more."""
    parameters = {
        "now": now,
        "failures_before": now - FAILURES_KEPT,
        "mails_before": now - MAILS_KEPT,
        "events_before": now - EVENTS_KEPT,
    }
    for statement in _FORGET:
        conn.execute(statement, parameters)
