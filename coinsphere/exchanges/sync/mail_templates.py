"""The mails to a user about an account at an exchange."""

from psycopg import Connection as Database

from coinsphere.exchanges.connections import Connection, Status
from coinsphere.exchanges.venues.all import VENUES
from coinsphere.notify import mail, templates

_RECIPIENT = "select email from app.users where id = %(user_id)s and is_active and email_verified"
_WHY = {
    "invalid_key": "The exchange no longer accepts the key of this account, so it is not read any more. "
    "Disconnect it, make a new key that can only read, and connect it again.",
    "disabled": "The key of this account can do more than you allowed, so it is not read any more. "
    "Take those permissions from it, or make a new one, and connect it again.",
}


def stopped(conn: Database, connection: Connection, status: Status, error: str) -> None:
    """Write the mail that an account is no longer read; none to a user without a confirmed address."""
    row = conn.execute(_RECIPIENT, {"user_id": connection.user_id}).fetchone()
    if row is None:
        return
    name = VENUES[connection.exchange].name
    label = "" if connection.label is None else f" “{connection.label}”"
    message = templates.account_mail(
        f"Your {name} account{label} is no longer read",
        _WHY[status],
        facts=[("Exchange", name), ("It said", error)],
    )
    mail.enqueue(
        conn, row[0], message.subject, message.text, message.html, user_id=connection.user_id
    )
