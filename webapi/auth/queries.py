"""Accounts in PostgreSQL."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg import Connection, Cursor
from psycopg.rows import class_row

from coinsphere import i18n
from coinsphere.db.rows import tuples

_USER = """
    select id, email, password_hash, first_name, last_name, role, subscription_tier, email_verified, is_active,
           two_factor_enabled, last_login_at, created_at
    from app.users
"""
_BY_EMAIL = _USER + "where lower(email) = lower(%(email)s)"
_BY_ID = _USER + "where id = %(user_id)s"
_LIST = _USER + "order by created_at, id"
_CREATE = """
    insert into app.users (email, password_hash, first_name, last_name, role, locale, usage_shared_since)
    values (%(email)s, %(password_hash)s, %(first_name)s, %(last_name)s, %(role)s, %(locale)s, %(usage_shared_since)s)
    on conflict (lower(email)) do nothing
    returning id
"""
_LOGGED_IN = """
    update app.users set last_login_at = %(now)s, password_hash = coalesce(%(password_hash)s, password_hash)
    where id = %(user_id)s
"""
_ACCOUNT = """
    select
        id, email, first_name, last_name, role, subscription_tier, email_verified, two_factor_enabled, last_login_at,
        created_at,
        (
            select count(*) from app.sessions
            where user_id = users.id and revoked_at is null and expires_at > %(now)s
        ) as sessions
    from app.users
    where id = %(user_id)s
"""
_END_SESSIONS = """
    update app.sessions set revoked_at = %(now)s, revoke_reason = %(reason)s
    where user_id = %(user_id)s and revoked_at is null and expires_at > %(now)s
    returning id
"""
_SPEAK = "update app.users set locale = %(locale)s where id = %(user_id)s"
_REHASH = "update app.users set password_hash = %(password_hash)s where id = %(user_id)s"
_SET_NAMES = """
    update app.users set first_name = %(first_name)s, last_name = %(last_name)s where id = %(user_id)s
"""
_SET_EMAIL = """
    update app.users set email = %(email)s, email_verified = true where id = %(user_id)s
"""
_IS_TAKEN = "select exists (select from app.users where lower(email) = lower(%(email)s))"
_DELETE = "delete from app.users where id = %(user_id)s"


@dataclass(frozen=True, slots=True)
class User:
    """An account."""

    id: UUID
    email: str
    password_hash: str = field(repr=False)
    first_name: str | None
    last_name: str | None
    role: str
    subscription_tier: str
    email_verified: bool
    is_active: bool
    two_factor_enabled: bool
    last_login_at: datetime | None
    created_at: datetime


class Account(NamedTuple):
    """What an account shows its owner, with the number of its live sessions."""

    id: UUID
    email: str
    first_name: str | None
    last_name: str | None
    role: str
    subscription_tier: str
    email_verified: bool
    two_factor_enabled: bool
    last_login_at: datetime | None
    created_at: datetime
    sessions: int


def by_email(conn: Connection, email: str) -> User | None:
    """The account of an address, in any case; None if there is none."""
    return conn.cursor(row_factory=class_row(User)).execute(_BY_EMAIL, {"email": email}).fetchone()


def by_id(conn: Connection, user_id: UUID) -> User | None:
    """The account of that id; None if there is none."""
    return conn.cursor(row_factory=class_row(User)).execute(_BY_ID, {"user_id": user_id}).fetchone()


def all_users(conn: Connection) -> list[User]:
    """All accounts, oldest first."""
    return conn.cursor(row_factory=class_row(User)).execute(_LIST).fetchall()


def speak(conn: Connection, user_id: UUID, language: str) -> None:
    """Set the language of mails to an account."""
    conn.execute(_SPEAK, {"user_id": user_id, "locale": language})


def create(
    conn: Connection,
    email: str,
    password_hash: str,
    *,
    first_name: str | None = None,
    last_name: str | None = None,
    role: str = "user",
    usage_shared_since: datetime | None = None,
) -> User | None:
    """A new account, written to in the present language; None if the address is taken."""
    row = conn.execute(
        _CREATE,
        {
            "email": email,
            "password_hash": password_hash,
            "first_name": first_name,
            "last_name": last_name,
            "role": role,
            "locale": i18n.language(),
            "usage_shared_since": usage_shared_since,
        },
    ).fetchone()
    return None if row is None else by_id(conn, row[0])


def logged_in(conn: Connection, user_id: UUID, now: datetime, password_hash: str | None) -> None:
    """Store a login; a `password_hash` replaces one that was made with outdated parameters."""
    conn.execute(_LOGGED_IN, {"user_id": user_id, "now": now, "password_hash": password_hash})


def ask_account(conn: Connection, user_id: UUID, now: datetime) -> Cursor[Account]:
    """Sends the statement for the account of that id; in a pipeline, without waiting for the answer."""
    cursor = conn.cursor(row_factory=tuples(Account))
    return cursor.execute(_ACCOUNT, {"user_id": user_id, "now": now})


def end_sessions(conn: Connection, user_id: UUID, reason: str, now: datetime) -> list[UUID]:
    """End all sessions of an account; their ids, which the session cache is told of after the commit."""
    parameters = {"user_id": user_id, "reason": reason, "now": now}
    return [row[0] for row in conn.execute(_END_SESSIONS, parameters)]


def set_password(conn: Connection, user_id: UUID, password_hash: str) -> None:
    """Replace the hash of an account's password."""
    conn.execute(_REHASH, {"user_id": user_id, "password_hash": password_hash})


def set_names(
    conn: Connection, user_id: UUID, first_name: str | None, last_name: str | None
) -> None:
    """Replace the names of an account."""
    parameters = {"user_id": user_id, "first_name": first_name, "last_name": last_name}
    conn.execute(_SET_NAMES, parameters)


def set_email(conn: Connection, user_id: UUID, email: str) -> None:
    """Give an account an address that was confirmed to be its own.

    Raises:
        psycopg.errors.UniqueViolation: another account has it.
    """
    conn.execute(_SET_EMAIL, {"user_id": user_id, "email": email})


def is_taken(conn: Connection, email: str) -> bool:
    """Whether an account has that address, in any case; `conn` must see all accounts."""
    row = conn.execute(_IS_TAKEN, {"email": email}).fetchone()
    return row is not None and bool(row[0])


def delete(conn: Connection, user_id: UUID) -> None:
    """Delete an account with all that belongs to it; payments stay, without the name."""
    conn.execute(_DELETE, {"user_id": user_id})
