"""Accounts and the audit log in PostgreSQL, as administrators see and change them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.audit.chain import Act

_ACCOUNT = """
    select u.id, u.email, u.first_name, u.last_name, u.role, u.email_verified, u.subscription_tier, u.is_active,
        u.two_factor_enabled, u.created_at, u.last_login_at,
        (select count(*) from app.sessions s
         where s.user_id = u.id and s.revoked_at is null and s.expires_at > %(now)s) as sessions
    from app.users u
"""
_LIST = _ACCOUNT + """
    where (%(pattern)s::text is null or u.email ilike %(pattern)s)
      and (%(role)s::text is null or u.role = %(role)s)
      and (%(after_at)s::timestamptz is null or (u.created_at, u.id) > (%(after_at)s::timestamptz, %(after_id)s::uuid))
    order by u.created_at, u.id
    limit %(limit)s
"""  # fmt: skip
_GET = _ACCOUNT + "where u.id = %(user_id)s"
# All administrators are locked first: two who demote each other must not both succeed.
_LOCK_ADMINS = (
    "select id from app.users where role = 'admin' and is_active order by id for no key update"
)
_CHANGE = """
    update app.users set
        role = coalesce(%(role)s, role), is_active = coalesce(%(is_active)s, is_active)
    where id = %(user_id)s
"""
_LIVE_SESSIONS = """
    select id from app.sessions where user_id = %(user_id)s and revoked_at is null and expires_at > %(now)s
"""
_AUDIT = """
    select id, seq, occurred_at, actor_id, action, target, ip_address::text as ip_address, request_id, details
    from app.audit_logs
    where (%(action)s::text is null or action = %(action)s)
      and (%(actor_id)s::uuid is null or actor_id = %(actor_id)s)
      and (%(before)s::bigint is null or id < %(before)s)
    order by id desc
    limit %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Account:
    """An account as administrators see it, without secrets."""

    id: UUID
    email: str
    first_name: str | None
    last_name: str | None
    role: str
    email_verified: bool
    subscription_tier: str
    is_active: bool
    two_factor_enabled: bool
    created_at: datetime
    last_login_at: datetime | None
    sessions: int


@dataclass(frozen=True, slots=True)
class After:
    """The row after which a page of accounts begins."""

    created_at: datetime
    user_id: UUID


def accounts(
    conn: Connection,
    now: datetime,
    limit: int,
    *,
    text: str | None = None,
    role: str | None = None,
    after: After | None = None,
) -> list[Account]:
    """Accounts, oldest first; `text` is searched for in their addresses."""
    literal = None if text is None else text.replace("\\", r"\\").replace("%", r"\%")
    parameters = {
        "now": now,
        "pattern": None if literal is None else "%" + literal.replace("_", r"\_") + "%",
        "role": role,
        "after_at": after.created_at if after else None,
        "after_id": after.user_id if after else None,
        "limit": limit,
    }
    return conn.cursor(row_factory=class_row(Account)).execute(_LIST, parameters).fetchall()


def account(conn: Connection, user_id: UUID, now: datetime) -> Account | None:
    """One account; None if there is none."""
    cursor = conn.cursor(row_factory=class_row(Account))
    return cursor.execute(_GET, {"user_id": user_id, "now": now}).fetchone()


def change(conn: Connection, user_id: UUID, *, role: str | None, is_active: bool | None) -> None:
    """Change the fields of an account that are not None."""
    conn.execute(_CHANGE, {"user_id": user_id, "role": role, "is_active": is_active})


def lock_administrators(conn: Connection) -> set[UUID]:
    """The active administrators, locked until this transaction ends."""
    return {row[0] for row in conn.execute(_LOCK_ADMINS)}


def live_sessions(conn: Connection, user_id: UUID, now: datetime) -> list[UUID]:
    """The live sessions of an account."""
    return [row[0] for row in conn.execute(_LIVE_SESSIONS, {"user_id": user_id, "now": now})]


def audit_log(
    conn: Connection,
    limit: int,
    *,
    action: str | None = None,
    actor_id: UUID | None = None,
    before: int | None = None,
) -> list[Act]:
    """Entries of the audit log, newest first."""
    wanted = {"limit": limit, "action": action, "actor_id": actor_id, "before": before}
    return conn.cursor(row_factory=class_row(Act)).execute(_AUDIT, wanted).fetchall()
