"""A user's accounts at exchanges. What belongs to somebody else does not exist."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from psycopg import Connection as Database

from coinsphere.exchanges import connections
from coinsphere.exchanges.connections import Connection, NewConnection
from coinsphere.exchanges.errors import KeyTooPowerful
from coinsphere.exchanges.sync import syncs
from coinsphere.exchanges.venues.all import VENUES
from coinsphere.security.audit_events import Event
from webapi.exchanges import examples, keys, queries, schemas
from webapi.http import errors, paths
from webapi.security import access, audit, limits
from webapi.security.access import signed_in
from webapi.services import services

exchanges = APIBlueprint("exchanges", __name__, tag="Exchanges")

_WHAT = "connection"


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
    _require_verified()
    _, info = keys.look_at(json_data)
    try:
        connections.require_harmless(info.permissions, allows_trading=True)
    except KeyTooPowerful as error:
        raise keys.too_powerful(error) from None
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
    _require_verified()
    secret, info = keys.look_at(json_data)
    work = services()
    user_id = access.principal().user_id
    with work.database.connection() as conn:
        if connections.is_full(conn, user_id):
            raise errors.Problem(
                409,
                f"nobody may have more than {connections.MOST} connections",
                code="connections-full",
            )
        portfolio_id = queries.portfolio_for(conn, user_id, json_data.portfolio_id)
        if portfolio_id is None:
            raise errors.not_found("portfolio")
        new = NewConnection(
            exchange=json_data.exchange,
            credentials=secret,
            portfolio_id=portfolio_id,
            label=json_data.label,
            allows_trading=json_data.allow_trading,
            markets=tuple(json_data.markets),
        )
        try:
            made = connections.create(
                conn, work.encryption_keys, user_id, new, info=info, now=work.clock()
            )
        except KeyTooPowerful as error:
            raise keys.too_powerful(error) from None
        if made is None:
            raise errors.Problem(409, "this key is connected already", code="key-connected")
        job_id = syncs.request(conn, made.id)
        audit.record(
            conn,
            Event.EXCHANGE_CONNECTED,
            actor_id=user_id,
            target=str(made.id),
            details={"exchange": made.exchange, "verdict": info.permissions.verdict},
        )
    return {
        "message": keys.MESSAGES[info.permissions.verdict],
        "connection_id": made.id,
        "job_id": job_id,
        "permissions": connections.written(info.permissions),
    }


@exchanges.get("/connections")
@signed_in
@exchanges.output(schemas.ConnectionsOut, example=examples.ALL)
def list_connections() -> dict[str, Any]:
    """One's connections, the oldest first; nobody has more than 20."""
    with services().database.connection() as conn:
        found = connections.list_for(conn, access.principal().user_id)
        return {"connections": [_shown(conn, each) for each in found]}


@exchanges.patch("/connections/<connection_id>")
@signed_in
@exchanges.input(schemas.ConnectionChange)
@exchanges.output(schemas.OneConnectionOut, example=examples.ONE)
def change_connection(connection_id: str, json_data: schemas.ConnectionChange) -> dict[str, Any]:
    """Change where a connection's transactions go, which markets are read, and how often.

    Another portfolio gets everything anew; what the former one has stays there.
    """
    work = services()
    with work.database.connection() as conn:
        stored = _find(conn, connection_id)
        portfolio_id = stored.portfolio_id
        if json_data.portfolio_id is not None:
            portfolio_id = queries.portfolio_for(conn, stored.user_id, json_data.portfolio_id)
            if portfolio_id is None:
                raise errors.not_found("portfolio")
        markets = stored.markets if json_data.markets is None else json_data.markets
        changed = connections.change(
            conn,
            stored,
            portfolio_id=portfolio_id,
            markets=markets,
            sync_minutes=json_data.sync_minutes or stored.sync_minutes,
            now=work.clock(),
        )
        return {"connection": _shown(conn, changed or stored)}


@exchanges.delete("/connections/<connection_id>")
@signed_in
@exchanges.output(schemas.DoneOut, example=examples.DONE)
def disconnect(connection_id: str) -> dict[str, Any]:
    """Forget a connection and its key. The transactions that it brought stay."""
    user_id = access.principal().user_id
    identity = paths.uuid(connection_id, _WHAT)
    with services().database.connection() as conn:
        exchange = connections.delete(conn, user_id, identity)
        if exchange is None:
            raise errors.not_found(_WHAT)
        audit.record(
            conn,
            Event.EXCHANGE_DISCONNECTED,
            actor_id=user_id,
            target=str(identity),
            details={"exchange": exchange},
        )
    return {"message": "Exchange disconnected successfully"}


@exchanges.post("/connections/<connection_id>/sync")
@signed_in
@exchanges.output(schemas.StartedOut, 202, example=examples.STARTED)
def sync_connection(connection_id: str) -> dict[str, Any]:
    """Read an account; where that is under way, answers with the same job."""
    with services().database.connection() as conn:
        found = _find(conn, connection_id)
        job_id = syncs.request(conn, found.id)
    if job_id is None:
        raise errors.Problem(
            409, "the connection is stopped", detail=found.last_error, code="connection-stopped"
        )
    return {"message": "Sync initiated", "connection_id": found.id, "job_id": job_id}


@exchanges.get("/connections/<connection_id>/sync/<job_id>")
@signed_in
@exchanges.output(schemas.ExchangeSyncOut, example=examples.SYNC)
def get_sync(connection_id: str, job_id: str) -> syncs.Sync:
    """How far a sync is."""
    with services().database.connection() as conn:
        found = _find(conn, connection_id)
        sync = syncs.get(conn, paths.uuid(job_id, "sync"), found.user_id)
    if sync is None or sync.connection_id != found.id:
        raise errors.not_found("sync")
    return sync


@exchanges.post("/sync-all")
@signed_in
@exchanges.output(schemas.AllStartedOut, 202, example=examples.ALL_STARTED)
def sync_all() -> dict[str, Any]:
    """Read every account that is not stopped."""
    with services().database.connection() as conn:
        found = connections.list_for(conn, access.principal().user_id)
        asked = [(each.id, syncs.request(conn, each.id)) for each in found]
    jobs = [
        {"connection_id": connection_id, "job_id": job_id}
        for connection_id, job_id in asked
        if job_id is not None
    ]
    return {"message": "Sync initiated", "jobs": jobs}


def _find(conn: Database, connection_id: str) -> Connection:
    identity = paths.uuid(connection_id, _WHAT)
    found = connections.get(conn, identity, access.principal().user_id)
    if found is None:
        raise errors.not_found(_WHAT)
    return found


def _shown(conn: Database, found: Connection) -> dict[str, Any]:
    return {
        **{name: getattr(found, name) for name in _SHOWN},
        "name": VENUES[found.exchange].name,
        "allow_trading": found.allows_trading,
        "permissions": schemas.permissions(found.permissions),
        "last_sync": syncs.latest(conn, found.user_id, found.id),
    }


_SHOWN = (
    "id", "exchange", "label", "portfolio_id", "status", "key_hint", "markets", "sync_minutes", "last_synced_at",
    "next_sync_at", "last_error", "created_at",
)  # fmt: skip


def _require_verified() -> None:
    """Only who has confirmed an address can be told when a key goes wrong."""
    user_id: UUID = access.principal().user_id
    with services().database.connection() as conn:
        if not queries.is_verified(conn, user_id):
            raise errors.Problem(
                403,
                "confirm your address first",
                detail="Follow the link in the mail that we sent you, then try again.",
                code="email-not-verified",
            )
