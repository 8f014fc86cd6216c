"""Which tokens a user watches."""

from datetime import datetime
from uuid import UUID

from psycopg import Connection

MOST = 200
"""Tokens on the list of one user."""

# Whoever is on the list already stays there, however full it is.
_ADD = """
    insert into app.watched_tokens (user_id, token_id, watched_at)
    select %(user_id)s, %(token_id)s, %(now)s
    where (select count(*) from app.watched_tokens where user_id = %(user_id)s) < %(most)s
        or exists (select from app.watched_tokens where user_id = %(user_id)s and token_id = %(token_id)s)
    on conflict (user_id, token_id) do update set watched_at = app.watched_tokens.watched_at
"""
_REMOVE = "delete from app.watched_tokens where user_id = %(user_id)s and token_id = %(token_id)s"
_AMONG = "select token_id from app.watched_tokens where user_id = %(user_id)s and token_id = any(%(token_ids)s)"


def add(conn: Connection, user_id: UUID, token_id: UUID, now: datetime) -> bool:
    """Put a token on the list of a user; False where that is full."""
    values = {"user_id": user_id, "token_id": token_id, "now": now, "most": MOST}
    return conn.execute(_ADD, values).rowcount == 1


def remove(conn: Connection, user_id: UUID, token_id: UUID) -> None:
    """Take a token off the list of a user."""
    conn.execute(_REMOVE, {"user_id": user_id, "token_id": token_id})


def among(conn: Connection, user_id: UUID, token_ids: list[UUID]) -> set[UUID]:
    """Those of `token_ids` that the user watches."""
    rows = conn.execute(_AMONG, {"user_id": user_id, "token_ids": token_ids})
    return {token_id for (token_id,) in rows}
