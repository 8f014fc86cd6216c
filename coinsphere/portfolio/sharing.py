"""Links by which somebody without an account sees one portfolio alone; they can be revoked."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

_ADD = """
    insert into app.portfolio_shares (user_id, portfolio_id, secret_hash, hides_amounts, expires_at)
    values (%(user_id)s, %(portfolio_id)s, %(secret_hash)s, %(hides_amounts)s, %(expires_at)s)
    returning id, portfolio_id, hides_amounts, created_at, expires_at, revoked_at
"""
_LIST = """
    select id, portfolio_id, hides_amounts, created_at, expires_at, revoked_at
    from app.portfolio_shares
    where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s
    order by created_at desc, id
    limit 200
"""
_REVOKE = """
    update app.portfolio_shares set revoked_at = coalesce(revoked_at, %(now)s)
    where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and id = %(id)s
"""
_FIND = "select user_id, portfolio_id, hides_amounts from app.find_share(%(secret_hash)s, %(now)s)"
_ID = "select id from app.portfolio_shares where user_id = %(user_id)s and secret_hash = %(secret_hash)s"


@dataclass(frozen=True, slots=True)
class Share:
    """A link as its owner sees it; the secret is shown once and not kept."""

    id: UUID
    portfolio_id: UUID
    hides_amounts: bool
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Shared:
    """The portfolio that a valid link opens, and what it shows."""

    user_id: UUID
    portfolio_id: UUID
    hides_amounts: bool


def add(
    conn: Connection,
    user_id: UUID,
    portfolio_id: UUID,
    *,
    hides_amounts: bool,
    expires_at: datetime | None,
) -> tuple[Share, str]:
    """A new link and its secret. The caller has checked that the portfolio is the user's."""
    secret = secrets.token_urlsafe(32)
    parameters = {
        "user_id": user_id,
        "portfolio_id": portfolio_id,
        "secret_hash": _hash(secret),
        "hides_amounts": hides_amounts,
        "expires_at": expires_at,
    }
    share = conn.cursor(row_factory=class_row(Share)).execute(_ADD, parameters).fetchone()
    assert share is not None
    return share, secret


def list_for(conn: Connection, user_id: UUID, portfolio_id: UUID) -> list[Share]:
    """The links of a portfolio, revoked ones too, the newest first."""
    parameters = {"user_id": user_id, "portfolio_id": portfolio_id}
    return conn.cursor(row_factory=class_row(Share)).execute(_LIST, parameters).fetchall()


def revoke(
    conn: Connection, user_id: UUID, portfolio_id: UUID, share_id: UUID, now: datetime
) -> bool:
    """Revoke a link. Returns False where there is none of that id."""
    parameters = {"user_id": user_id, "portfolio_id": portfolio_id, "id": share_id, "now": now}
    return conn.execute(_REVOKE, parameters).rowcount == 1


def find(conn: Connection, secret: str, now: datetime) -> Shared | None:
    """The portfolio that a secret opens; None where it is unknown, revoked or expired."""
    parameters = {"secret_hash": _hash(secret), "now": now}
    return conn.cursor(row_factory=class_row(Shared)).execute(_FIND, parameters).fetchone()


def identify(conn: Connection, user_id: UUID, secret: str) -> UUID | None:
    """The id of the user's link of this secret; None where there is none."""
    row = conn.execute(_ID, {"user_id": user_id, "secret_hash": _hash(secret)}).fetchone()
    return None if row is None else UUID(str(row[0]))


def _hash(secret: str) -> bytes:
    """No salt or stretching: 256 random bits cannot be guessed."""
    return hashlib.sha256(secret.encode()).digest()
