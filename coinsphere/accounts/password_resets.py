"""Forgotten passwords: the API stores a request in the same way for every address; the worker looks up the account and mails a link."""

from datetime import datetime, timedelta
from uuid import UUID

from psycopg import Connection

from coinsphere import i18n
from coinsphere.accounts import opaque_tokens
from coinsphere.notify import account_mails, mail

QUEUE = "mail"
TASK = "send_password_reset"
AN_HOUR = 5
"""Links that one account is sent in an hour at most."""

_ENQUEUE = """
    select jobs.procrastinate_defer_jobs_v1(array[(
        %(queue)s, %(task)s, 0, null, null, jsonb_build_object('email', %(email)s::text), null
    )::jobs.procrastinate_job_to_defer_v1])
"""
_OWNER = (
    "select id, email, locale from app.users where lower(email) = lower(%(email)s) and is_active"
)
_COUNT = "select count(*) from app.password_resets where user_id = %(user_id)s and created_at > %(since)s"
_VOID = "update app.password_resets set used_at = %(now)s where user_id = %(user_id)s and used_at is null"
_ISSUE = """
    insert into app.password_resets (user_id, token_hash, created_at, expires_at)
    values (%(user_id)s, %(token_hash)s, %(now)s, %(expires_at)s)
"""
_SPEND = """
    update app.password_resets r set used_at = %(now)s
    from app.users u
    where r.token_hash = %(token_hash)s and r.used_at is null and r.expires_at > %(now)s
        and u.id = r.user_id and u.is_active
    returning r.user_id
"""


def request(conn: Connection, email: str) -> None:
    """Store that a new password was asked for by an address, with or without an account: the work is the same, so its time tells nothing."""
    conn.execute(_ENQUEUE, {"queue": QUEUE, "task": TASK, "email": email})


def send_link(
    conn: Connection, email: str, frontend_url: str, life: timedelta, now: datetime
) -> bool:
    """Mail a link to the account of an address; a newer link voids the older. Returns False without an account, or after too many links.

    Args:
        conn: of the pipeline's role; the caller owns the transaction.
        email: in any case of its letters.
        frontend_url: base of the link.
        life: of the link.
        now: the present instant.
    """
    owner = conn.execute(_OWNER, {"email": email}).fetchone()
    if owner is None:
        return False
    user_id, address, language = owner
    since = now - timedelta(hours=1)
    count = conn.execute(_COUNT, {"user_id": user_id, "since": since}).fetchone()
    if count is not None and count[0] >= AN_HOUR:
        return False
    token = issue(conn, user_id, life, now)
    minutes = int(life.total_seconds() // 60)
    with i18n.speaking(language):
        message = account_mails.reset_password(frontend_url, token, minutes)
    link = mail.NewMail(
        address, message.subject, message.text, message.html, user_id=user_id, is_secret=True
    )
    mail.enqueue_all(conn, [link])
    return True


def issue(conn: Connection, user_id: UUID, life: timedelta, now: datetime) -> str:
    """A token by which the account's password is chosen, once, within `life`; it voids the older ones."""
    token = opaque_tokens.new()
    void(conn, user_id, now)
    conn.execute(
        _ISSUE,
        {
            "user_id": user_id,
            "token_hash": opaque_tokens.digest(token),
            "now": now,
            "expires_at": now + life,
        },
    )
    return token


def spend(conn: Connection, token: str, now: datetime) -> UUID | None:
    """Use up a link; the account's id, None if it is not good (any more)."""
    parameters = {"token_hash": opaque_tokens.digest(token), "now": now}
    row = conn.execute(_SPEND, parameters).fetchone()
    return None if row is None else row[0]


def void(conn: Connection, user_id: UUID, now: datetime) -> None:
    """Make every link of an account void, as after a change of its password or address."""
    conn.execute(_VOID, {"user_id": user_id, "now": now})
