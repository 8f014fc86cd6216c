"""Administrators' records of changes to tokens' names and units; `coinsphere market events` does the same."""

from uuid import UUID

from psycopg import Connection

from coinsphere.audit.events import Event
from coinsphere.market.reference import asset_events, tokens
from coinsphere.market.reference.asset_events import (
    AssetEvent,
    ContradictedEvent,
    InvalidEvent,
    NewEvent,
)
from webapi.admin.asset_events import schemas
from webapi.http import errors, paths
from webapi.security import access, audit
from webapi.services import services

_EVENT = "asset event"


def listed(query: schemas.AssetEventsQuery) -> list[AssetEvent]:
    """Events of one token or of all. Raises `errors.Problem`: 404, no such token."""
    with services().database.connection() as conn:
        token_id = _token(conn, query.token) if query.token else None
        return asset_events.listed(conn, query.limit, token_id=token_id, past=query.past)


def add(wanted: schemas.AssetEventIn) -> AssetEvent:
    """Record an event; the worker applies it. Raises `errors.Problem`: 400, 404; 409, it contradicts an earlier one."""
    with services().database.connection() as conn:
        new = _new(conn, wanted)
        try:
            event_id = asset_events.add(conn, new, _caller())
        except ContradictedEvent as error:
            raise errors.Problem(409, str(error), code="event-contradicted") from None
        except InvalidEvent as error:
            raise errors.invalid([_fault("kind", error)]) from None
        return _told(conn, Event.ASSET_EVENT_ADDED, event_id)


def remove(event_id: str, reason: str) -> AssetEvent:
    """Remove an event. Raises `errors.Problem`: 404, none in force has the id."""
    wanted = paths.uuid(event_id, _EVENT)
    with services().database.connection() as conn:
        if asset_events.remove(conn, wanted, _caller(), reason) is None:
            raise errors.not_found(_EVENT)
        return _told(conn, Event.ASSET_EVENT_REMOVED, wanted)


def _new(conn: Connection, wanted: schemas.AssetEventIn) -> NewEvent:
    try:
        parts = asset_events.ratio(wanted.ratio)
    except InvalidEvent as error:
        raise errors.invalid([_fault("ratio", error)]) from None
    return NewEvent(
        wanted.kind,
        _token(conn, wanted.token),
        wanted.happened_at,
        wanted.reason,
        _token(conn, wanted.successor) if wanted.successor else None,
        *parts,
    )


def _fault(path: str, error: InvalidEvent) -> dict[str, str]:
    return {"path": path, "message": str(error), "code": "invalid-event"}


def _token(conn: Connection, which: str) -> UUID:
    try:
        return tokens.named(conn, which).id
    except LookupError:
        raise errors.token_not_found(which) from None


def _caller() -> str:
    return f"administrator {access.principal().user_id}"


def _told(conn: Connection, act: Event, event_id: UUID) -> AssetEvent:
    """The event as it is now, after it is told in the audit log who did what."""
    event = asset_events.get(conn, event_id)
    assert event is not None
    audit.record(
        conn,
        act,
        actor_id=access.principal().user_id,
        target=str(event_id),
        details={
            "kind": str(event.kind),
            "symbol": event.symbol,
            "successor": event.successor_symbol,
            "ratio": str(event.ratio),
            "happenedAt": event.happened_at.isoformat(),
        },
    )
    return event
