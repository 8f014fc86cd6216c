"""Records product events of the caller."""

from psycopg import Connection

from coinsphere.analytics import recording
from coinsphere.analytics.events import ProductEvent
from webapi.security import access
from webapi.services import services


def happened(conn: Connection, event: ProductEvent) -> None:
    """Store an event of the caller, if they consent, in the transaction of the act; raises nothing."""
    recording.record(conn, access.principal().user_id, event, services().clock())
