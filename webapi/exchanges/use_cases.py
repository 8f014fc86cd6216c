"""What users do with their accounts at exchanges. An account of somebody else is not found."""

from dataclasses import dataclass
from uuid import UUID

from psycopg import Connection as Database

from coinsphere.analytics.events import ExchangeConnected
from coinsphere.audit.events import Event
from coinsphere.billing.plans import PlanLimit
from coinsphere.exchanges import connections
from coinsphere.exchanges.connections import Connection, NewConnection
from coinsphere.exchanges.errors import KeyTooPowerful
from coinsphere.exchanges.model import KeyInfo
from coinsphere.exchanges.sync import syncs
from webapi.account.verifications import require_verified
from webapi.analytics.happenings import happened
from webapi.billing import guard
from webapi.exchanges import keys, queries, schemas
from webapi.http import errors, paths
from webapi.security import access, audit
from webapi.services import services

WHAT = "connection"


@dataclass(frozen=True, slots=True)
class Connected:
    """A new connection, its key's permissions, and the job of its first reading."""

    connection: Connection
    info: KeyInfo
    job_id: UUID | None


def look_at(body: schemas.ExchangeKeyIn) -> KeyInfo:
    """The permissions of a key. Stores nothing.

    Raises:
        errors.Problem: 400, the exchange refuses the key, or it can withdraw or transfer; 403, the caller has confirmed no
            address; 503, the exchange does not answer.
    """
    require_verified()
    _, info = keys.look_at(body)
    try:
        connections.require_harmless(info.permissions, allows_trading=True)
    except KeyTooPowerful as error:
        raise keys.too_powerful(error) from None
    return info


def connect(body: schemas.ConnectExchangeIn) -> Connected:
    """Connect an account and queue its first reading; the key is stored sealed.

    Raises:
        errors.Problem: as `look_at`, and 402 where the plan is full, 409 where the key is known or there are too many, 404 for
            the portfolio.
    """
    require_verified()
    secret, info = keys.look_at(body)
    user_id = access.principal().user_id
    with services().database.connection() as conn:
        _require_room(conn, user_id)
        portfolio_id = queries.portfolio_for(conn, user_id, body.portfolio_id)
        if portfolio_id is None:
            raise errors.not_found("portfolio")
        new = NewConnection(
            exchange=body.exchange,
            credentials=secret,
            portfolio_id=portfolio_id,
            label=body.label,
            allows_trading=body.allow_trading,
            markets=tuple(body.markets),
        )
        connection = _create(conn, user_id, new, info)
        job_id = syncs.request(conn, connection.id)
        happened(conn, ExchangeConnected(connection.exchange))
    return Connected(connection, info, job_id)


def _create(conn: Database, user_id: UUID, new: NewConnection, info: KeyInfo) -> Connection:
    """Stores the connection, with its entry in the audit log."""
    work = services()
    try:
        connection = connections.create(
            conn, work.encryption_keys, user_id, new, info=info, now=work.clock()
        )
    except KeyTooPowerful as error:
        raise keys.too_powerful(error) from None
    if connection is None:
        raise errors.Problem(409, "this key is connected already", code="key-connected")
    audit.record(
        conn,
        Event.EXCHANGE_CONNECTED,
        actor_id=user_id,
        target=str(connection.id),
        details={"exchange": connection.exchange, "verdict": info.permissions.verdict},
    )
    return connection


def _require_room(conn: Database, user_id: UUID) -> None:
    """Refuse a connection beyond what is allowed to anybody, or by the caller's plan."""
    if connections.is_full(conn, user_id):
        raise errors.Problem(
            409,
            f"nobody may have more than {connections.MOST} connections",
            code="connections-full",
        )
    guard.require_room(conn, PlanLimit.EXCHANGES)


def find(conn: Database, connection_id: str) -> Connection:
    """A connection of the caller. Raises `errors.Problem` with status 404."""
    identity = paths.uuid(connection_id, WHAT)
    connection = connections.get(conn, identity, access.principal().user_id)
    if connection is None:
        raise errors.not_found(WHAT)
    return connection


def change(conn: Database, connection_id: str, body: schemas.ConnectionChange) -> Connection:
    """Change where its transactions go, which markets are read, and how often. Raises `errors.Problem` with status 404."""
    stored = find(conn, connection_id)
    portfolio_id = stored.portfolio_id
    if body.portfolio_id is not None:
        portfolio_id = queries.portfolio_for(conn, stored.user_id, body.portfolio_id)
        if portfolio_id is None:
            raise errors.not_found("portfolio")
    changed = connections.change(
        conn,
        stored,
        portfolio_id=portfolio_id,
        markets=stored.markets if body.markets is None else body.markets,
        sync_minutes=body.sync_minutes or stored.sync_minutes,
        now=services().clock(),
    )
    return changed or stored


def disconnect(conn: Database, connection_id: str) -> None:
    """Delete a connection and its key; its transactions stay. Raises `errors.Problem` with status 404."""
    user_id = access.principal().user_id
    identity = paths.uuid(connection_id, WHAT)
    exchange = connections.delete(conn, user_id, identity)
    if exchange is None:
        raise errors.not_found(WHAT)
    audit.record(
        conn,
        Event.EXCHANGE_DISCONNECTED,
        actor_id=user_id,
        target=str(identity),
        details={"exchange": exchange},
    )


def sync(conn: Database, connection: Connection) -> UUID:
    """Queue the reading of an account. Returns the job. Raises `errors.Problem` with status 409 where it is stopped."""
    job_id = syncs.request(conn, connection.id)
    if job_id is None:
        raise errors.Problem(
            409,
            "the connection is stopped",
            detail=connection.last_error,
            code="connection-stopped",
        )
    return job_id
