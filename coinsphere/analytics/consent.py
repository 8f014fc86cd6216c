"""Consent to keeping product events and taking part in experiments. Withdrawing it deletes what was kept."""

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
    """The instant since when a user consents; None where they do not."""
    cursor = conn.cursor(row_factory=scalar_row)
    instant: datetime | None = cursor.execute(_SINCE, {"user_id": user_id}).fetchone()
    return instant


def give(conn: Connection, user_id: UUID, now: datetime) -> None:
    """Store the consent of a user; one that was given before keeps its instant."""
    conn.execute(_GIVE, {"user_id": user_id, "now": now})


def take_back(conn: Connection, user_id: UUID) -> None:
    """Withdraw the consent of a user, and delete the events that were kept by it."""
    conn.execute(_TAKE_BACK, {"user_id": user_id})
    conn.execute(_FORGET, {"user_id": user_id})
    records.forget(conn, user_id)
