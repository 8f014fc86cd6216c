"""By which name a provider knows a user."""

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
    """The provider's name of a user; None where he never went to buy."""
    row = conn.execute(_FIND, {"provider": provider, "user_id": user_id}).fetchone()
    return None if row is None else str(row[0])


def store(conn: Connection, provider: str, user_id: UUID, reference: str, now: datetime) -> None:
    """Remember it; the first stays."""
    values = {"provider": provider, "user_id": user_id, "reference": reference, "now": now}
    conn.execute(_STORE, values)
