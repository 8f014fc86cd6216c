"""Verification of mail addresses: a link is sent to the address, works once, and voids older links."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.accounts import opaque_tokens
from coinsphere.notify import account_mails
from webapi import mails
from webapi.http import errors
from webapi.security import access
from webapi.services import Services, services

LIFE = timedelta(hours=24)
A_DAY = 6
"""Links that one account is sent in 24 hours at most."""

_IS_VERIFIED = "select email_verified from app.users where id = %(user_id)s"
_COUNT = """
    select count(*), min(created_at) from app.email_verifications
    where user_id = %(user_id)s and created_at > %(since)s
"""
_VOID = "update app.email_verifications set used_at = %(now)s where user_id = %(user_id)s and used_at is null"
_ISSUE = """
    insert into app.email_verifications (user_id, email, token_hash, created_at, expires_at)
    values (%(user_id)s, %(email)s, %(token_hash)s, %(now)s, %(expires_at)s)
"""
_PENDING = """
    select email from app.email_verifications
    where user_id = %(user_id)s and used_at is null and expires_at > %(now)s
    order by created_at desc limit 1
"""
_SPEND = """
    update app.email_verifications v set used_at = %(now)s
    from app.users u
    where v.token_hash = %(token_hash)s and v.used_at is null and v.expires_at > %(now)s
        and u.id = v.user_id and u.is_active
    returning v.user_id, v.email, u.email as former_email
"""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The account whose address was confirmed, and its address until then."""

    user_id: UUID
    email: str
    former_email: str

    @property
    def is_new(self) -> bool:
        """Whether the account's address changes."""
        return self.email != self.former_email


def send(
    work: Services, conn: Connection, user_id: UUID, email: str, *, is_change: bool = False
) -> None:
    """Send a link to an address; older links of the account are void.

    Args:
        work: the services.
        conn: the present transaction.
        user_id: the account.
        email: where the link goes, and what it confirms.
        is_change: the account has another address so far.

    Raises:
        errors.Problem: 429, enough were sent for a day.
    """
    now = work.clock()
    _require_patience(conn, user_id, now)
    token = opaque_tokens.new()
    conn.execute(_VOID, {"user_id": user_id, "now": now})
    parameters = {
        "user_id": user_id,
        "email": email,
        "token_hash": opaque_tokens.digest(token),
        "now": now,
        "expires_at": now + LIFE,
    }
    conn.execute(_ISSUE, parameters)
    hours = int(LIFE.total_seconds() // 3600)
    words = account_mails.confirm_new_address if is_change else account_mails.verify_address
    message = words(work.settings.pages_url, token, hours)
    mails.send(conn, email, message, user_id, is_secret=True)


def pending(conn: Connection, user_id: UUID, now: datetime) -> str | None:
    """The address that the account's newest link confirms; None without a valid link."""
    row = conn.execute(_PENDING, {"user_id": user_id, "now": now}).fetchone()
    return None if row is None else str(row[0])


def spend(conn: Connection, token: str, now: datetime) -> Confirmed | None:
    """Use up a link. Returns None if it is not valid, or no longer."""
    cursor = conn.cursor(row_factory=class_row(Confirmed))
    return cursor.execute(
        _SPEND, {"token_hash": opaque_tokens.digest(token), "now": now}
    ).fetchone()


def require_verified() -> None:
    """Refuse a caller without a verified address, who could not be told of trouble with a key.

    Raises:
        errors.Problem: 403.
    """
    with services().database.connection() as conn:
        parameters = {"user_id": access.principal().user_id}
        if conn.execute(_IS_VERIFIED, parameters).fetchone() != (True,):
            raise errors.Problem(
                403,
                "confirm your address first",
                detail="Follow the link in the mail that we sent you, then try again.",
                code="email-not-verified",
            )


def _require_patience(conn: Connection, user_id: UUID, now: datetime) -> None:
    since = now - timedelta(days=1)
    row = conn.execute(_COUNT, {"user_id": user_id, "since": since}).fetchone()
    if row is None or row[0] < A_DAY:
        return
    seconds = max(1, int((row[1] + timedelta(days=1) - now).total_seconds()))
    raise errors.Problem(
        429,
        "too many confirmation mails",
        detail=f"At most {A_DAY} are sent in a day.",
        headers={"Retry-After": str(seconds)},
        extra={"retryAfter": seconds},
    )
