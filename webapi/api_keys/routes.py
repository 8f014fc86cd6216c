"""One's API keys: made, listed, rotated and revoked by a session, never by a key."""

import base64
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from psycopg import Connection

from coinsphere.security.audit import Detail
from coinsphere.security.audit_events import Event
from webapi.api_keys import queries, schemas
from webapi.api_keys.queries import ApiKey, NewKey
from webapi.api_keys.scopes import SIGNED
from webapi.http import errors, paths
from webapi.http.schema import Message
from webapi.security import access, audit, step_up
from webapi.security.access import signed_in
from webapi.services import services

api_keys = APIBlueprint("api_keys", __name__, tag="API keys")

_WHAT = "API key"
_REVOKED = {"message": "API key revoked"}


@api_keys.get("")
@signed_in
@api_keys.output(schemas.KeysOut)
def list_keys() -> dict[str, Any]:
    """One's live API keys, newest first; nobody has more than 20."""
    work = services()
    with work.database.connection() as conn:
        found = queries.all_of(conn, access.principal().user_id, work.clock())
    return {"api_keys": [_shown(key) for key in found]}


@api_keys.post("")
@signed_in
@step_up.step_up
@api_keys.input(schemas.KeyIn)
@api_keys.output(schemas.NewKeyOut, 201)
def create_key(json_data: schemas.KeyIn) -> dict[str, Any]:
    """Make an API key, shown once, in this answer; needs a recent login."""
    work = services()
    now = work.clock()
    new = _wanted(json_data, now)
    with work.database.connection() as conn:
        return _create(conn, new, now, Event.API_KEY_CREATED)


@api_keys.post("/<key_id>/rotate")
@signed_in
@step_up.step_up
@api_keys.input(schemas.RotateIn)
@api_keys.output(schemas.NewKeyOut, 201)
def rotate_key(key_id: str, json_data: schemas.RotateIn) -> dict[str, Any]:
    """Make a key that takes the place of another, which lives on for `overlapSeconds`; needs a recent login."""
    work = services()
    now = work.clock()
    user_id = access.principal().user_id
    with work.database.connection() as conn:
        old = queries.get(conn, user_id, paths.uuid(key_id, _WHAT), now)
        if old is None:
            raise errors.not_found(_WHAT)
        queries.expire(conn, user_id, old.id, now + timedelta(seconds=json_data.overlap_seconds))
        return _create(conn, _successor(old), now, Event.API_KEY_ROTATED)


@api_keys.delete("/<key_id>")
@signed_in
@api_keys.output(Message, example=_REVOKED)
def revoke_key(key_id: str) -> dict[str, str]:
    """End an API key at once."""
    work = services()
    user_id = access.principal().user_id
    wanted = paths.uuid(key_id, _WHAT)
    with work.database.connection() as conn:
        if not queries.revoke(conn, user_id, wanted, work.clock()):
            raise errors.not_found(_WHAT)
        audit.record(conn, Event.API_KEY_REVOKED, actor_id=user_id, target=str(wanted))
    return _REVOKED


def _create(conn: Connection, new: NewKey, now: datetime, event: Event) -> dict[str, Any]:
    user_id = access.principal().user_id
    if queries.is_full(conn, user_id, now):
        raise errors.Problem(
            409, f"nobody may have more than {queries.MAX_KEYS} API keys", code="api-keys-full"
        )
    key_id, secret = queries.create(conn, user_id, new, now)
    made = _required(conn, user_id, key_id, now)
    details: dict[str, Detail] = {
        "scopes": " ".join(made.scopes),
        "signed": made.public_key is not None,
    }
    audit.record(conn, event, actor_id=user_id, target=str(key_id), details=details)
    return {"api_key": _shown(made), "key": secret}


def _required(conn: Connection, user_id: UUID, key_id: UUID, now: datetime) -> ApiKey:
    found = queries.get(conn, user_id, key_id, now)
    assert found is not None
    return found


def _wanted(given: schemas.KeyIn, now: datetime) -> NewKey:
    if given.expires_at is not None and given.expires_at <= now:
        raise _fault("expiresAt", "must lie in the future")
    unsigned = SIGNED.intersection(given.scopes) if given.public_key is None else ()
    if unsigned:
        raise _fault("publicKey", f"is needed for the scope {min(unsigned)}")
    return NewKey(
        name=given.name,
        scopes=tuple(dict.fromkeys(given.scopes)),
        allowed_networks=tuple(dict.fromkeys(given.allowed_networks)),
        public_key=None if given.public_key is None else base64.b64decode(given.public_key),
        expires_at=given.expires_at,
    )


def _successor(old: ApiKey) -> NewKey:
    """A key like `old`; it ends when that would have ended."""
    return NewKey(
        name=old.name,
        scopes=old.scopes,
        allowed_networks=old.allowed_networks,
        public_key=old.public_key,
        expires_at=old.expires_at,
        rotated_from=old.id,
    )


def _shown(key: ApiKey) -> dict[str, Any]:
    return {**asdict(key), "is_signed": key.public_key is not None}


def _fault(path: str, message: str) -> errors.Problem:
    return errors.invalid([{"path": path, "message": message, "code": "value_error"}])
