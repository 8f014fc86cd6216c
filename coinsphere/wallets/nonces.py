"""Nonces for proofs of ownership: valid for one session, once, for five minutes."""

import secrets
import string
from datetime import datetime
from uuid import UUID

from psycopg import Connection

from coinsphere.wallets.sign_in import LIFE

_LETTERS = string.ascii_letters + string.digits
_LENGTH = 24
"""Of 62 letters: 142 bits."""

_FORGET = "delete from app.wallet_nonces where user_id = %(user_id)s and expires_at <= %(now)s"
_ISSUE = """
    insert into app.wallet_nonces (nonce, user_id, session_id, expires_at)
    values (%(nonce)s, %(user_id)s, %(session_id)s, %(expires_at)s)
"""
_TAKE = """
    delete from app.wallet_nonces
    where nonce = %(nonce)s and user_id = %(user_id)s and session_id = %(session_id)s
    returning expires_at > %(now)s
"""


def issue(conn: Connection, user_id: UUID, session_id: UUID, now: datetime) -> str:
    """A new nonce of this session; expired ones of the user are deleted."""
    nonce = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    conn.execute(_FORGET, {"user_id": user_id, "now": now})
    parameters = {"user_id": user_id, "session_id": session_id, "expires_at": now + LIFE}
    conn.execute(_ISSUE, {"nonce": nonce, **parameters})
    return nonce


def take(conn: Connection, user_id: UUID, session_id: UUID, nonce: str, now: datetime) -> bool:
    """Use up a nonce. Returns False where this session has no such one, or it has expired."""
    parameters = {"nonce": nonce, "user_id": user_id, "session_id": session_id, "now": now}
    row = conn.execute(_TAKE, parameters).fetchone()
    return row is not None and bool(row[0])
