"""Maps users to the ids by which a provider knows them."""

import secrets
from datetime import datetime
from uuid import UUID

from psycopg import Connection

_FIND = "select reference from app.billing_customers where provider = %(provider)s and user_id = %(user_id)s"
_STORE = """
    insert into app.billing_customers (user_id, provider, reference, created_at)
    values (%(user_id)s, %(provider)s, %(reference)s, %(now)s)
    on conflict do nothing
"""


def find(conn: Connection, provider: str, user_id: UUID) -> str | None:
    """The provider's id of a user; None where they never went to buy."""
    row = conn.execute(_FIND, {"provider": provider, "user_id": user_id}).fetchone()
    return None if row is None else str(row[0])


def store(conn: Connection, provider: str, user_id: UUID, reference: str, now: datetime) -> None:
    """Store the provider's id of a user, unless there is one."""
    values = {"provider": provider, "user_id": user_id, "reference": reference, "now": now}
    conn.execute(_STORE, values)


def named(conn: Connection, provider: str, user_id: UUID, now: datetime) -> str:
    """The id of a user at a provider that gives none itself: a random one, the same for all who ask at once."""
    known = find(conn, provider, user_id)
    if known is not None:
        return known
    reference = secrets.token_hex(16)
    store(conn, provider, user_id, reference, now)
    return find(conn, provider, user_id) or reference
