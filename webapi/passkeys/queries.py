"""Passkeys and their challenges in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

MOST = 20
Purpose = Literal["register", "login", "second_factor"]

_COLUMNS = """
    select id, user_id, name, credential_id, public_key, sign_count, transports, is_backed_up, created_at, last_used_at
    from app.passkeys
"""
_LIST = _COLUMNS + "where user_id = %(user_id)s order by created_at, id"
_BY_CREDENTIAL = _COLUMNS + "where credential_id = %(credential_id)s"
_ADD = """
    insert into app.passkeys
        (user_id, name, credential_id, public_key, sign_count, transports, is_backed_up, created_at)
    values
        (%(user_id)s, %(name)s, %(credential_id)s, %(public_key)s, %(sign_count)s, %(transports)s, %(is_backed_up)s,
         %(now)s)
    on conflict (credential_id) do nothing
    returning id
"""
_USED = """
    update app.passkeys set sign_count = %(sign_count)s, is_backed_up = %(is_backed_up)s, last_used_at = %(now)s
    where id = %(id)s and sign_count = %(seen)s
    returning id
"""
_REMOVE = "delete from app.passkeys where id = %(id)s and user_id = %(user_id)s returning name"
_CHALLENGE = """
    insert into app.passkey_challenges (user_id, purpose, challenge, expires_at)
    values (%(user_id)s, %(purpose)s, %(challenge)s, %(expires_at)s)
    returning id
"""
_TAKE = """
    delete from app.passkey_challenges
    where id = %(id)s and purpose = %(purpose)s and user_id is not distinct from %(user_id)s
        and expires_at > %(now)s
    returning challenge
"""


@dataclass(frozen=True, slots=True)
class Passkey:
    """A public key that an authenticator of the account's owner signs for."""

    id: UUID
    user_id: UUID
    name: str
    credential_id: bytes
    public_key: bytes = field(repr=False)
    sign_count: int
    transports: list[str]
    is_backed_up: bool
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A new passkey from an authenticator."""

    name: str
    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: Sequence[str]
    is_backed_up: bool


def all_of(conn: Connection, user_id: UUID) -> list[Passkey]:
    """The account's passkeys, oldest first."""
    cursor = conn.cursor(row_factory=class_row(Passkey))
    return cursor.execute(_LIST, {"user_id": user_id}).fetchall()


def by_credential(conn: Connection, credential_id: bytes) -> Passkey | None:
    """The passkey of a credential, whosever it is; None if there is none."""
    cursor = conn.cursor(row_factory=class_row(Passkey))
    return cursor.execute(_BY_CREDENTIAL, {"credential_id": credential_id}).fetchone()


def add(conn: Connection, user_id: UUID, new: NewPasskey, now: datetime) -> UUID | None:
    """Store a passkey. Returns its id, None if the credential is known already."""
    row = conn.execute(
        _ADD,
        {
            "user_id": user_id,
            "name": new.name,
            "credential_id": new.credential_id,
            "public_key": new.public_key,
            "sign_count": new.sign_count,
            "transports": list(new.transports),
            "is_backed_up": new.is_backed_up,
            "now": now,
        },
    ).fetchone()
    return None if row is None else row[0]


def used(
    conn: Connection, passkey: Passkey, sign_count: int, now: datetime, *, is_backed_up: bool
) -> bool:
    """Store a use. Returns False if the passkey was used meanwhile."""
    parameters = {
        "id": passkey.id,
        "seen": passkey.sign_count,
        "sign_count": sign_count,
        "is_backed_up": is_backed_up,
        "now": now,
    }
    return conn.execute(_USED, parameters).fetchone() is not None


def remove(conn: Connection, user_id: UUID, passkey_id: UUID) -> str | None:
    """Delete a passkey of the account. Returns its name, None if there is none of that id."""
    row = conn.execute(_REMOVE, {"id": passkey_id, "user_id": user_id}).fetchone()
    return None if row is None else str(row[0])


def new_challenge(
    conn: Connection, user_id: UUID | None, purpose: Purpose, challenge: bytes, expires_at: datetime
) -> UUID:
    """Store a challenge until it is answered or expires."""
    parameters = {
        "user_id": user_id,
        "purpose": purpose,
        "challenge": challenge,
        "expires_at": expires_at,
    }
    row = conn.execute(_CHALLENGE, parameters).fetchone()
    assert row is not None
    return UUID(str(row[0]))


def take_challenge(
    conn: Connection, challenge_id: UUID, user_id: UUID | None, purpose: Purpose, now: datetime
) -> bytes | None:
    """Use up a challenge; None if there is none for that purpose, or it has expired."""
    parameters = {"id": challenge_id, "user_id": user_id, "purpose": purpose, "now": now}
    row = conn.execute(_TAKE, parameters).fetchone()
    return None if row is None else bytes(row[0])
