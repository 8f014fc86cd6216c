"""Mails of routes, written to the outbox in the transaction that causes them."""

from uuid import UUID

from psycopg import Connection

from coinsphere.notify import mail
from coinsphere.notify.templates import Message


def send(
    conn: Connection,
    recipient: str,
    message: Message,
    user_id: UUID | None,
    *,
    is_secret: bool = False,
) -> None:
    """Send a mail about an account; `is_secret` if it holds a link that lets somebody in."""
    mail.enqueue_all(
        conn,
        [
            mail.NewMail(
                recipient,
                message.subject,
                message.text,
                message.html,
                user_id=user_id,
                is_secret=is_secret,
            )
        ],
    )
