"""Writes product events in the transaction of what happened; a failure here never fails that."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb

from coinsphere import log
from coinsphere.analytics.events import ProductEvent

_NOTE = "select app.note_product_events(%(told)s, %(now)s)"
_log = log.get("analytics")


def record(conn: Connection, user_id: UUID, event: ProductEvent, now: datetime) -> None:
    """Store an event of a user who consents; see `record_all`."""
    record_all(conn, [(user_id, event)], now)


def record_all(
    conn: Connection, happened: Iterable[tuple[UUID, ProductEvent]], now: datetime
) -> None:
    """Store events of those users who consent, in the present transaction, by one statement.

    What was done before on the same day is not kept again. What cannot be kept is logged, and nothing is raised.
    """
    events = [
        {"user_id": str(user_id), "name": event.name, "properties": event.properties()}
        for user_id, event in happened
    ]
    if not events:
        return
    (fault,) = conn.execute(_NOTE, {"told": Jsonb(events), "now": now}).fetchone() or (None,)
    if fault is not None:
        _log.warning("product events were lost", sqlstate=fault, lost=len(events))
