"""Sessions and refresh tokens in PostgreSQL, read on each request through a short-lived cache.

An access token is only as alive as its session; see `webapi.security.session_cache`. With Redis emptied or away,
PostgreSQL answers.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.accounts import opaque_tokens
from coinsphere.settings import Settings

MOST = 20
"""Live sessions of one account; a further login ends the oldest."""

_OPEN = """
    insert into app.sessions (user_id, user_agent, ip_address, created_at, last_seen_at, authenticated_at, expires_at)
    select id, %(user_agent)s, %(ip_address)s, %(now)s, %(now)s, %(now)s,
        case when role = 'admin' then least(%(admin_until)s, %(expires_at)s) else %(expires_at)s end
    from app.users
    where id = %(user_id)s
    returning id
"""
_EVICT = """
    update app.sessions set revoked_at = %(now)s, revoke_reason = 'evicted'
    where id in (
        select id from app.sessions
        where user_id = %(user_id)s and revoked_at is null and expires_at > %(now)s
        order by created_at desc, id offset %(kept)s
    )
    returning id
"""
_LIST = """
    select id, user_agent, host(ip_address) as ip_address, created_at, last_seen_at, expires_at
    from app.sessions
    where user_id = %(user_id)s and revoked_at is null and expires_at > %(now)s
    order by last_seen_at desc, created_at desc, id
"""
_END_ONE = """
    update app.sessions set revoked_at = %(now)s, revoke_reason = 'logout'
    where id = %(session_id)s and user_id = %(user_id)s and revoked_at is null and expires_at > %(now)s
    returning id
"""
_END_OTHERS = """
    update app.sessions set revoked_at = %(now)s, revoke_reason = %(reason)s
    where user_id = %(user_id)s and revoked_at is null and expires_at > %(now)s and id is distinct from %(kept)s
    returning id
"""
_PROVED = "update app.sessions set authenticated_at = %(now)s where id = %(session_id)s"
_IS_FRESH = "select authenticated_at > %(since)s from app.sessions where id = %(session_id)s"
_ISSUE = """
    insert into app.refresh_tokens (token_hash, session_id, issued_at, expires_at)
    select %(token_hash)s, id, %(now)s, least(%(expires_at)s, expires_at)
    from app.sessions
    where id = %(session_id)s
"""
_SPEND = """
    update app.refresh_tokens t
    set used_at = %(now)s, successor_salt = %(salt)s
    from app.sessions s
    join app.users u on u.id = s.user_id
    where t.token_hash = %(token_hash)s
        and t.used_at is null
        and t.expires_at > %(now)s
        and s.id = t.session_id
        and s.revoked_at is null
        and s.expires_at > %(now)s
        and u.is_active
    returning s.id as session_id, s.user_id, t.successor_salt as salt
"""
_SPENT_JUST_NOW = """
    select s.id as session_id, s.user_id, t.successor_salt as salt
    from app.refresh_tokens t
    join app.sessions s on s.id = t.session_id
    join app.users u on u.id = s.user_id
    where t.token_hash = %(token_hash)s
        and t.used_at > %(since)s
        and t.successor_salt is not null
        and s.revoked_at is null
        and s.expires_at > %(now)s
        and u.is_active
"""
_SEEN = "update app.sessions set last_seen_at = %(now)s where id = %(session_id)s"
_END_REUSED = """
    update app.sessions s
    set revoked_at = %(now)s, revoke_reason = 'reuse'
    from app.refresh_tokens t
    where t.token_hash = %(token_hash)s
        and t.used_at is not null
        and s.id = t.session_id
        and s.revoked_at is null
    returning s.id as session_id, s.user_id
"""
_END = """
    update app.sessions
    set revoked_at = %(now)s, revoke_reason = %(reason)s
    where id = %(session_id)s and revoked_at is null
"""
_BY_REFRESH = "select session_id from app.refresh_tokens where token_hash = %(token_hash)s"
_PRINCIPAL = """
    select s.id as session_id, u.id as user_id, u.role
    from app.sessions s
    join app.users u on u.id = s.user_id
    where s.id = %(session_id)s and s.revoked_at is null and s.expires_at > %(now)s and u.is_active
"""


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller: a live session, its user, and the user's present role."""

    session_id: UUID
    user_id: UUID
    role: str


@dataclass(frozen=True, slots=True)
class Session:
    """A live session as its owner sees it."""

    id: UUID
    user_agent: str | None
    ip_address: str | None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Owner:
    """A session and the user whom it belongs to."""

    session_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class Spent(Owner):
    """A used refresh token; its successor is derived from it and `salt`, neither of which suffices alone."""

    salt: bytes

    def successor(self, token: str) -> str:
        """The token that takes the place of `token`: 256 bits, the same for everybody who has it."""
        return opaque_tokens.derived(self.salt, token)


def open_session(
    conn: Connection,
    user_id: UUID,
    now: datetime,
    settings: Settings,
    *,
    user_agent: str | None,
    ip_address: str | None,
) -> UUID:
    """Begin a session, which ends after `refresh_absolute_days`, an administrator's after `admin_session_hours`."""
    parameters = {
        "user_id": user_id,
        "user_agent": user_agent,
        "ip_address": ip_address,
        "now": now,
        "expires_at": now + timedelta(days=settings.refresh_absolute_days),
        "admin_until": now + timedelta(hours=settings.admin_session_hours),
    }
    row = conn.execute(_OPEN, parameters).fetchone()
    assert row is not None
    return UUID(str(row[0]))


def make_room(conn: Connection, user_id: UUID, now: datetime) -> list[UUID]:
    """End the oldest sessions of an account, so that a new one makes `MOST` of them. Returns the ids of those that ended.

    The caller holds the account's row, so that two logins at once do not both think that there is room.
    """
    parameters = {"user_id": user_id, "now": now, "kept": MOST - 1}
    return [row[0] for row in conn.execute(_EVICT, parameters)]


def all_of(conn: Connection, user_id: UUID, now: datetime) -> list[Session]:
    """The live sessions of an account, the one seen last first."""
    cursor = conn.cursor(row_factory=class_row(Session))
    return cursor.execute(_LIST, {"user_id": user_id, "now": now}).fetchall()


def end_one(conn: Connection, user_id: UUID, session_id: UUID, now: datetime) -> bool:
    """End a live session of an account. Returns whether there was one of that id."""
    parameters = {"user_id": user_id, "session_id": session_id, "now": now}
    return conn.execute(_END_ONE, parameters).fetchone() is not None


def end_others(
    conn: Connection, user_id: UUID, kept: UUID | None, reason: str, now: datetime
) -> list[UUID]:
    """End all sessions of an account except `kept`. Returns their ids, for the session cache after the commit."""
    parameters = {"user_id": user_id, "kept": kept, "reason": reason, "now": now}
    return [row[0] for row in conn.execute(_END_OTHERS, parameters)]


def proved(conn: Connection, session_id: UUID, now: datetime) -> None:
    """Store that the session's user has just proved to be present."""
    conn.execute(_PROVED, {"session_id": session_id, "now": now})


def is_fresh(conn: Connection, session_id: UUID, since: datetime) -> bool:
    """Whether the session's user proved to be present after `since`."""
    row = conn.execute(_IS_FRESH, {"session_id": session_id, "since": since}).fetchone()
    return row is not None and bool(row[0])


def issue_refresh_token(
    conn: Connection, session_id: UUID, now: datetime, settings: Settings
) -> str:
    """A new refresh token of the session: 256 random bits, of which only the SHA-256 is kept."""
    return _issue(conn, opaque_tokens.new(), session_id, now, settings)


def _issue(
    conn: Connection, token: str, session_id: UUID, now: datetime, settings: Settings
) -> str:
    conn.execute(
        _ISSUE,
        {
            "token_hash": token_hash(token),
            "session_id": session_id,
            "now": now,
            "expires_at": now + timedelta(days=settings.refresh_idle_days),
        },
    )
    return token


def spend_refresh_token(
    conn: Connection, token: str, now: datetime, settings: Settings
) -> tuple[Owner, str] | None:
    """Exchange a refresh token for its successor: one of several attempts succeeds, the others get None.

    But within `refresh_grace_seconds` after that one the others get the same successor: two tabs that wake up at once
    and a client whose answer was lost are no thieves.
    """
    cursor = conn.cursor(row_factory=class_row(Spent))
    parameters = {"token_hash": token_hash(token), "now": now}
    spent = cursor.execute(_SPEND, {**parameters, "salt": opaque_tokens.salt()}).fetchone()
    if spent is not None:
        conn.execute(_SEEN, {"session_id": spent.session_id, "now": now})
        _issue(conn, spent.successor(token), spent.session_id, now, settings)
    elif settings.refresh_grace_seconds:
        since = now - timedelta(seconds=settings.refresh_grace_seconds)
        spent = cursor.execute(_SPENT_JUST_NOW, {**parameters, "since": since}).fetchone()
    return None if spent is None else (spent, spent.successor(token))


def end_if_reused(conn: Connection, token: str, now: datetime) -> Owner | None:
    """End the session of a token that is used again, as somebody has a copy. Returns its owner, None if it was not used before."""
    cursor = conn.cursor(row_factory=class_row(Owner))
    return cursor.execute(_END_REUSED, {"token_hash": token_hash(token), "now": now}).fetchone()


def end(conn: Connection, session_id: UUID, reason: str, now: datetime) -> None:
    """End a session; one that has ended stays as it is."""
    conn.execute(_END, {"session_id": session_id, "reason": reason, "now": now})


def of_refresh_token(conn: Connection, token: str) -> UUID | None:
    """The session that a refresh token belongs to, used or not; None if there is none."""
    row = conn.execute(_BY_REFRESH, {"token_hash": token_hash(token)}).fetchone()
    return None if row is None else row[0]


def principal(conn: Connection, session_id: UUID, now: datetime) -> Principal | None:
    """The principal of a session; None if it has ended or the user is disabled."""
    cursor = conn.cursor(row_factory=class_row(Principal))
    return cursor.execute(_PRINCIPAL, {"session_id": session_id, "now": now}).fetchone()


def token_hash(token: str) -> bytes:
    """The hash that is stored of a refresh token."""
    return opaque_tokens.digest(token)
