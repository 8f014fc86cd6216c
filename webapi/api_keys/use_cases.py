"""What users do with their API keys: create, rotate and revoke them."""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg import Connection

from coinsphere.audit.events import Event
from coinsphere.audit.masking import Detail
from coinsphere.billing.plans import PlanLimit
from webapi.api_keys import queries, schemas
from webapi.api_keys.queries import ApiKey, NewKey
from webapi.api_keys.scopes import SIGNED
from webapi.billing import guard
from webapi.http import errors, paths
from webapi.security import access, audit
from webapi.services import Services

_WHAT = "API key"


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key; `secret` is shown once and stored nowhere."""

    key: ApiKey
    secret: str


def create(work: Services, body: schemas.KeyIn) -> IssuedKey:
    """Create a key; the caller must have passed a step-up.

    Raises:
        errors.Problem: 400, what is wanted contradicts itself; 402, the plan is full; 409, there are too many.
    """
    now = work.clock()
    new = _wanted(body, now)
    with work.database.connection() as conn:
        guard.require_room(conn, PlanLimit.API_KEYS)
        return _create(conn, new, now, Event.API_KEY_CREATED)


def rotate(work: Services, key_id: str, body: schemas.RotateIn) -> IssuedKey:
    """Create a key in place of another one; the caller must have passed a step-up.

    Raises:
        errors.Problem: 404, there is no such key; 409, there are too many.
    """
    now = work.clock()
    user_id = access.principal().user_id
    with work.database.connection() as conn:
        old = queries.get(conn, user_id, paths.uuid(key_id, _WHAT), now)
        if old is None:
            raise errors.not_found(_WHAT)
        queries.expire(conn, user_id, old.id, now + timedelta(seconds=body.overlap_seconds))
        return _create(conn, _successor(old), now, Event.API_KEY_ROTATED)


def revoke(work: Services, key_id: str) -> None:
    """End a key at once. Raises `errors.Problem` with status 404."""
    user_id = access.principal().user_id
    wanted = paths.uuid(key_id, _WHAT)
    with work.database.connection() as conn:
        if not queries.revoke(conn, user_id, wanted, work.clock()):
            raise errors.not_found(_WHAT)
        audit.record(conn, Event.API_KEY_REVOKED, actor_id=user_id, target=str(wanted))


def _create(conn: Connection, new: NewKey, now: datetime, event: Event) -> IssuedKey:
    user_id = access.principal().user_id
    if queries.is_full(conn, user_id, now):
        raise errors.Problem(
            409, f"nobody may have more than {queries.MAX_KEYS} API keys", code="api-keys-full"
        )
    key_id, secret = queries.create(conn, user_id, new, now)
    key = queries.get(conn, user_id, key_id, now)
    assert key is not None
    details: dict[str, Detail] = {
        "scopes": " ".join(key.scopes),
        "signed": key.public_key is not None,
    }
    audit.record(conn, event, actor_id=user_id, target=str(key_id), details=details)
    return IssuedKey(key, secret)


def _wanted(body: schemas.KeyIn, now: datetime) -> NewKey:
    if body.expires_at is not None and body.expires_at <= now:
        raise _fault("expiresAt", "must lie in the future")
    unsigned = SIGNED.intersection(body.scopes) if body.public_key is None else ()
    if unsigned:
        raise _fault("publicKey", f"is needed for the scope {min(unsigned)}")
    return NewKey(
        name=body.name,
        scopes=tuple(dict.fromkeys(body.scopes)),
        allowed_networks=tuple(dict.fromkeys(body.allowed_networks)),
        public_key=None if body.public_key is None else base64.b64decode(body.public_key),
        expires_at=body.expires_at,
    )


def _successor(old: ApiKey) -> NewKey:
    """A key with the rights of `old`, which ends when that would have ended."""
    return NewKey(
        name=old.name,
        scopes=old.scopes,
        allowed_networks=old.allowed_networks,
        public_key=old.public_key,
        expires_at=old.expires_at,
        rotated_from=old.id,
    )


def _fault(path: str, message: str) -> errors.Problem:
    return errors.invalid([{"path": path, "message": message, "code": "value_error"}])
