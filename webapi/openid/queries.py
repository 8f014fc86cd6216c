"""Identities at a provider, and pending logins there, in PostgreSQL."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.accounts import opaque_tokens

_BEGIN = """
    insert into app.openid_logins (state_hash, browser_hash, salt, redirect_uri, wanted, user_id, expires_at)
    values (%(state_hash)s, %(browser_hash)s, %(salt)s, %(redirect_uri)s, %(wanted)s, %(user_id)s, %(expires_at)s)
"""
_TAKE = """
    delete from app.openid_logins
    where state_hash = %(state_hash)s and browser_hash = %(browser_hash)s and expires_at > %(now)s
    returning salt, redirect_uri, wanted, user_id
"""
_USER_OF = """
    update app.openid_identities set last_used_at = %(now)s
    where issuer = %(issuer)s and subject = %(subject)s
    returning user_id
"""
_LINK = """
    insert into app.openid_identities (user_id, issuer, subject, created_at)
    values (%(user_id)s, %(issuer)s, %(subject)s, %(now)s)
    on conflict (issuer, subject) do nothing
    returning id
"""
_OF_USER = """
    select id, issuer, created_at, last_used_at from app.openid_identities
    where user_id = %(user_id)s order by created_at, id
"""
_UNLINK = (
    "delete from app.openid_identities where id = %(id)s and user_id = %(user_id)s returning id"
)
_CONFIRM = "update app.users set email_verified = true where id = %(user_id)s"


@dataclass(frozen=True, slots=True)
class Begun:
    """A pending login; `user_id` is the user who links an account, None for a login."""

    salt: bytes = field(repr=False)
    redirect_uri: str
    wanted: str
    user_id: UUID | None


@dataclass(frozen=True, slots=True)
class Identity:
    """An account at a provider that lets somebody in."""

    id: UUID
    issuer: str
    created_at: datetime
    last_used_at: datetime | None


def begin(conn: Connection, state: str, browser: str, begun: Begun, expires_at: datetime) -> None:
    """Store a pending login."""
    conn.execute(
        _BEGIN,
        {
            "state_hash": opaque_tokens.digest(state),
            "browser_hash": opaque_tokens.digest(browser),
            "salt": begun.salt,
            "redirect_uri": begun.redirect_uri,
            "wanted": begun.wanted,
            "user_id": begun.user_id,
            "expires_at": expires_at,
        },
    )


def take(conn: Connection, state: str, browser: str, now: datetime) -> Begun | None:
    """Use up the pending login of that state and browser; None where there is none, or no longer."""
    cursor = conn.cursor(row_factory=class_row(Begun))
    hashes = {
        "state_hash": opaque_tokens.digest(state),
        "browser_hash": opaque_tokens.digest(browser),
        "now": now,
    }
    return cursor.execute(_TAKE, hashes).fetchone()


def user_of(conn: Connection, issuer: str, subject: str, now: datetime) -> UUID | None:
    """The user whom an identity logs in; stores that it was used."""
    row = conn.execute(_USER_OF, {"issuer": issuer, "subject": subject, "now": now}).fetchone()
    return None if row is None else UUID(str(row[0]))


def link(conn: Connection, user_id: UUID, issuer: str, subject: str, now: datetime) -> UUID | None:
    """Link an identity to an account. Returns its id, None where it is linked already."""
    parameters = {"user_id": user_id, "issuer": issuer, "subject": subject, "now": now}
    row = conn.execute(_LINK, parameters).fetchone()
    return None if row is None else UUID(str(row[0]))


def of_user(conn: Connection, user_id: UUID) -> list[Identity]:
    """The identities that open an account, the oldest first."""
    cursor = conn.cursor(row_factory=class_row(Identity))
    return cursor.execute(_OF_USER, {"user_id": user_id}).fetchall()


def unlink(conn: Connection, user_id: UUID, identity_id: UUID) -> bool:
    """Unlink an identity from the account. Returns whether there was one of that id."""
    return conn.execute(_UNLINK, {"id": identity_id, "user_id": user_id}).fetchone() is not None


def confirm_address(conn: Connection, user_id: UUID) -> None:
    """Mark the account's address as confirmed by the provider."""
    conn.execute(_CONFIRM, {"user_id": user_id})
