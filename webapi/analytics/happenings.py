"""Product events of who sent the present request."""

from psycopg import Connection

from coinsphere.analytics import recording
from coinsphere.analytics.events import ProductEvent
from webapi.security import access
from webapi.services import services


def happened(conn: Connection, event: ProductEvent) -> None:
    """Keep what the caller did, if they allow it, in the transaction that does it; nothing is raised."""
    recording.record(conn, access.principal().user_id, event, services().clock())
