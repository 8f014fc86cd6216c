"""What the routes of alerts ask beside `coinsphere.alerts.repository`."""

from uuid import UUID

from psycopg import Connection

MAX_ALERTS = 200

_COUNT = "select count(*) from app.alerts where user_id = %(user_id)s"


def is_full(conn: Connection, user_id: UUID) -> bool:
    """Whether the user has as many alerts as one may have."""
    row = conn.execute(_COUNT, {"user_id": user_id}).fetchone()
    return row is not None and int(row[0]) >= MAX_ALERTS
