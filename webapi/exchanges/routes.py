"""A user's accounts at exchanges. What belongs to somebody else does not exist."""

from typing import Any

from apiflask import APIBlueprint
from psycopg import Connection as Database

from coinsphere.exchanges import connections
from coinsphere.exchanges.connections import Connection
from coinsphere.exchanges.sync import syncs, unbooked
from coinsphere.exchanges.venues.all import VENUES
from webapi.exchanges import examples, keys, schemas, use_cases
from webapi.http import errors, paths
from webapi.security import access, limits
from webapi.security.access import signed_in
from webapi.services import services

exchanges = APIBlueprint("exchanges", __name__, tag="Exchanges")


@exchanges.get("/supported")
@signed_in
@exchanges.output(schemas.VenuesOut, example=examples.VENUES)
def list_supported() -> dict[str, Any]:
    """The exchanges that can be connected."""
    return {"exchanges": list(VENUES.values())}


@exchanges.post("/test")
@signed_in
@limits.weighs(10)
@exchanges.input(schemas.ExchangeKeyIn)
@exchanges.output(schemas.TestedOut, example=examples.TESTED)
def test_key(json_data: schemas.ExchangeKeyIn) -> dict[str, Any]:
    """Ask an exchange what a key may do. Nothing is stored; a key that can withdraw or transfer is refused."""
    info = use_cases.look_at(json_data)
    return {
        "message": keys.MESSAGES[info.permissions.verdict],
        "permissions": connections.written(info.permissions),
    }


@exchanges.post("/connect")
@signed_in
@limits.weighs(10)
@exchanges.input(schemas.ConnectExchangeIn)
@exchanges.output(schemas.ConnectedExchangeOut, 201, example=examples.CONNECTED)
def connect(json_data: schemas.ConnectExchangeIn) -> dict[str, Any]:
    """Connect an account and read it for the first time.

    A key that can withdraw or transfer is refused, one that can trade needs `allowTrading`. The key is stored sealed,
    and never shown again.
    """
    connected = use_cases.connect(json_data)
    return {
        "message": keys.MESSAGES[connected.info.permissions.verdict],
        "connection_id": connected.connection.id,
        "job_id": connected.job_id,
        "permissions": connections.written(connected.info.permissions),
    }


@exchanges.get("/connections")
@signed_in
@exchanges.output(schemas.ConnectionsOut, example=examples.ALL)
def list_connections() -> dict[str, Any]:
    """One's connections, the oldest first; nobody has more than 20."""
    with services().database.connection() as conn:
        own = connections.list_for(conn, access.principal().user_id)
        return {"connections": [_shown(conn, connection) for connection in own]}


@exchanges.patch("/connections/<connection_id>")
@signed_in
@exchanges.input(schemas.ConnectionChange)
@exchanges.output(schemas.OneConnectionOut, example=examples.ONE)
def change_connection(connection_id: str, json_data: schemas.ConnectionChange) -> dict[str, Any]:
    """Change where a connection's transactions go, which markets are read, and how often.

    Another portfolio gets everything anew; what the former one has stays there.
    """
    with services().database.connection() as conn:
        changed = use_cases.change(conn, connection_id, json_data)
        return {"connection": _shown(conn, changed)}


@exchanges.delete("/connections/<connection_id>")
@signed_in
@exchanges.output(schemas.DoneOut, example=examples.DONE)
def disconnect(connection_id: str) -> dict[str, Any]:
    """Forget a connection and its key. The transactions that it brought stay."""
    with services().database.connection() as conn:
        use_cases.disconnect(conn, connection_id)
    return {"message": "Exchange disconnected successfully"}


@exchanges.post("/connections/<connection_id>/sync")
@signed_in
@exchanges.output(schemas.StartedOut, 202, example=examples.STARTED)
def sync_connection(connection_id: str) -> dict[str, Any]:
    """Read an account; where that is under way, answers with the same job."""
    with services().database.connection() as conn:
        connection = use_cases.find(conn, connection_id)
        job_id = use_cases.sync(conn, connection)
    return {"message": "Sync initiated", "connection_id": connection.id, "job_id": job_id}


@exchanges.get("/connections/<connection_id>/sync/<job_id>")
@signed_in
@exchanges.output(schemas.ExchangeSyncOut, example=examples.SYNC)
def get_sync(connection_id: str, job_id: str) -> syncs.Sync:
    """How far a sync is."""
    with services().database.connection() as conn:
        connection = use_cases.find(conn, connection_id)
        sync = syncs.get(conn, paths.uuid(job_id, "sync"), connection.user_id)
    if sync is None or sync.connection_id != connection.id:
        raise errors.not_found("sync")
    return sync


@exchanges.get("/connections/<connection_id>/unbooked")
@signed_in
@exchanges.input(schemas.UnbookedQuery, location="query")
@exchanges.output(schemas.UnbookedOut, example=examples.UNBOOKED)
def list_unbooked(connection_id: str, query_data: schemas.UnbookedQuery) -> dict[str, Any]:
    """What an exchange told and is not in the books, with the reason; each sync tries it again."""
    with services().database.connection() as conn:
        connection = use_cases.find(conn, connection_id)
        return {"unbooked": unbooked.listed(conn, connection.id, query_data.limit)}


@exchanges.post("/sync-all")
@signed_in
@exchanges.output(schemas.AllStartedOut, 202, example=examples.ALL_STARTED)
def sync_all() -> dict[str, Any]:
    """Read every account that is not stopped."""
    with services().database.connection() as conn:
        own = connections.list_for(conn, access.principal().user_id)
        asked = [(connection.id, syncs.request(conn, connection.id)) for connection in own]
    jobs = [
        {"connection_id": connection_id, "job_id": job_id}
        for connection_id, job_id in asked
        if job_id is not None
    ]
    return {"message": "Sync initiated", "jobs": jobs}


def _shown(conn: Database, connection: Connection) -> dict[str, Any]:
    return {
        **{name: getattr(connection, name) for name in _SHOWN},
        "name": VENUES[connection.exchange].name,
        "allow_trading": connection.allows_trading,
        "permissions": schemas.permissions(connection.permissions),
        "last_sync": syncs.latest(conn, connection.user_id, connection.id),
        "unbooked": unbooked.counts(conn, [connection.id]).get(connection.id, 0),
    }


_SHOWN = (
    "id", "exchange", "label", "portfolio_id", "status", "key_hint", "markets", "sync_minutes", "last_synced_at",
    "next_sync_at", "last_error", "created_at",
)  # fmt: skip
