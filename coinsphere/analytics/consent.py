"""Whether somebody allows that product events and their part in experiments are kept. Who takes it back takes them along."""

from datetime import datetime
from uuid import UUID

from psycopg import Connection
from psycopg.rows import scalar_row

from coinsphere.experiments import records

_SINCE = "select usage_shared_since from app.users where id = %(user_id)s"
_GIVE = """
    update app.users set usage_shared_since = coalesce(usage_shared_since, %(now)s) where id = %(user_id)s
"""
_TAKE_BACK = "update app.users set usage_shared_since = null where id = %(user_id)s"
_FORGET = "delete from app.product_events where user_id = %(user_id)s"


def since(conn: Connection, user_id: UUID) -> datetime | None:
    """Since when a user allows it; None where they do not."""
    cursor = conn.cursor(row_factory=scalar_row)
    found: datetime | None = cursor.execute(_SINCE, {"user_id": user_id}).fetchone()
    return found


def give(conn: Connection, user_id: UUID, now: datetime) -> None:
    """From now on it is allowed; where it was, since then as before."""
    conn.execute(_GIVE, {"user_id": user_id, "now": now})


def take_back(conn: Connection, user_id: UUID) -> None:
    """It is allowed no more, and what was kept is deleted."""
    conn.execute(_TAKE_BACK, {"user_id": user_id})
    conn.execute(_FORGET, {"user_id": user_id})
    records.forget(conn, user_id)
