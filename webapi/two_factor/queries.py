"""Second factors in PostgreSQL: each code is taken by one statement, so that of many at once one succeeds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

_STATE = """
    select u.totp_secret as sealed_secret, u.totp_enabled_at is not null as is_enabled,
        (select count(*) from app.passkeys p where p.user_id = u.id) as passkeys,
        (select count(*) from app.recovery_codes c where c.user_id = u.id and c.used_at is null) as codes_left
    from app.users u where u.id = %(user_id)s
"""
_LOCK = "select 1 from app.users where id = %(user_id)s for no key update"
_KEEP_PENDING = """
    update app.users set totp_secret = %(sealed)s, totp_last_step = null
    where id = %(user_id)s and totp_enabled_at is null
    returning id
"""
_TAKE_STEP = """
    update app.users set totp_last_step = %(step)s
    where id = %(user_id)s and totp_secret = %(sealed)s and (totp_last_step is null or totp_last_step < %(step)s)
    returning id
"""
_ENABLE = """
    update app.users set totp_enabled_at = %(now)s, two_factor_enabled = true
    where id = %(user_id)s and totp_enabled_at is null and totp_secret is not null
    returning id
"""
_DISABLE = """
    update app.users set totp_secret = null, totp_enabled_at = null, totp_last_step = null,
        two_factor_enabled = exists (select from app.passkeys where user_id = users.id)
    where id = %(user_id)s and totp_enabled_at is not null
    returning two_factor_enabled
"""
_MARK = """
    update app.users u set two_factor_enabled =
        totp_enabled_at is not null or exists (select from app.passkeys where user_id = u.id)
    where id = %(user_id)s
    returning two_factor_enabled
"""
_DROP_CODES = "delete from app.recovery_codes where user_id = %(user_id)s"
_ADD_CODE = """
    insert into app.recovery_codes (user_id, code_hash, created_at) values (%(user_id)s, %(code_hash)s, %(now)s)
"""
_TAKE_CODE = """
    update app.recovery_codes set used_at = %(now)s
    where user_id = %(user_id)s and code_hash = %(code_hash)s and used_at is null
    returning id
"""
_BEGIN_LOGIN = """
    insert into app.incomplete_logins (user_id, ip_address, user_agent, started_at)
    values (%(user_id)s, %(ip_address)s, %(user_agent)s, %(now)s)
    on conflict do nothing
"""
_END_LOGIN = """
    delete from app.incomplete_logins where user_id = %(user_id)s and ip_address = %(ip_address)s
"""


@dataclass(frozen=True, slots=True)
class State:
    """The second factors of an account; the secret is pending while the authenticator app is not enabled."""

    sealed_secret: bytes | None = field(repr=False)
    is_enabled: bool
    passkeys: int
    codes_left: int


def state(conn: Connection, user_id: UUID) -> State | None:
    """The second factors of an account; None if it is gone."""
    cursor = conn.cursor(row_factory=class_row(State))
    return cursor.execute(_STATE, {"user_id": user_id}).fetchone()


def lock(conn: Connection, user_id: UUID) -> None:
    """Let nobody else change the account's second factors until the transaction ends."""
    conn.execute(_LOCK, {"user_id": user_id})


def keep_pending(conn: Connection, user_id: UUID, sealed: bytes) -> bool:
    """Store a secret that counts for nothing yet; False if an authenticator app is enabled already."""
    parameters = {"user_id": user_id, "sealed": sealed}
    return conn.execute(_KEEP_PENDING, parameters).fetchone() is not None


def take_step(conn: Connection, user_id: UUID, sealed: bytes, step: int) -> bool:
    """Use up the code of a time step of that secret; False if it, or a later one, was used."""
    parameters = {"user_id": user_id, "sealed": sealed, "step": step}
    return conn.execute(_TAKE_STEP, parameters).fetchone() is not None


def enable(conn: Connection, user_id: UUID, now: datetime) -> bool:
    """Make the pending secret count; False if there is none, or it counts already."""
    return conn.execute(_ENABLE, {"user_id": user_id, "now": now}).fetchone() is not None


def disable(conn: Connection, user_id: UUID) -> bool | None:
    """Forget the authenticator app; whether another second factor is left, None if there was no app."""
    row = conn.execute(_DISABLE, {"user_id": user_id}).fetchone()
    return None if row is None else bool(row[0])


def mark(conn: Connection, user_id: UUID) -> bool:
    """Note whether the account has a second factor, after its passkeys changed."""
    row = conn.execute(_MARK, {"user_id": user_id}).fetchone()
    return row is not None and bool(row[0])


def replace_codes(
    conn: Connection, user_id: UUID, code_hashes: Sequence[bytes], now: datetime
) -> None:
    """Void every recovery code of an account and store others."""
    conn.execute(_DROP_CODES, {"user_id": user_id})
    conn.cursor().executemany(
        _ADD_CODE,
        [{"user_id": user_id, "code_hash": each, "now": now} for each in code_hashes],
    )


def take_code(conn: Connection, user_id: UUID, code_hash: bytes, now: datetime) -> bool:
    """Use up a recovery code; False if it is none, or was used."""
    parameters = {"user_id": user_id, "code_hash": code_hash, "now": now}
    return conn.execute(_TAKE_CODE, parameters).fetchone() is not None


def begin_login(
    conn: Connection, user_id: UUID, ip_address: str, user_agent: str | None, now: datetime
) -> None:
    """Note that somebody knew the password, until the second factor comes from the same address."""
    parameters = {
        "user_id": user_id,
        "ip_address": ip_address,
        "user_agent": user_agent,
        "now": now,
    }
    conn.execute(_BEGIN_LOGIN, parameters)


def end_login(conn: Connection, user_id: UUID, ip_address: str) -> None:
    """The second factor came."""
    conn.execute(_END_LOGIN, {"user_id": user_id, "ip_address": ip_address})
