"""Mails to the operators: each active administrator, and `COINSPHERE_OPERATOR_EMAIL`."""

from datetime import datetime

from psycopg import Connection

from coinsphere.notify import mail

_ADMINISTRATORS = "select email from app.users where role = 'admin' and is_active order by email"
_LAST = "select max(created_at) from app.mails where subject = %(subject)s"


def last_told(conn: Connection, subject: str) -> datetime | None:
    """The time of the last mail with this subject; None where there was none."""
    row = conn.execute(_LAST, {"subject": subject}).fetchone()
    return row[0] if row else None


def tell(conn: Connection, operator: str | None, subject: str, body: str) -> int:
    """Write a mail to each operator. Returns how many."""
    recipients = {email for (email,) in conn.execute(_ADMINISTRATORS)}
    if operator is not None:
        recipients.add(operator)
    for recipient in sorted(recipients):
        mail.enqueue(conn, recipient, subject, body, None)
    return len(recipients)
