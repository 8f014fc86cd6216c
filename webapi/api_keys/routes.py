"""One's API keys: made, listed, rotated and revoked by a session, never by a key."""

from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint

from webapi.api_keys import queries, schemas, use_cases
from webapi.api_keys.queries import ApiKey
from webapi.api_keys.use_cases import IssuedKey
from webapi.http.schema import Message
from webapi.security import access, step_up
from webapi.security.access import signed_in
from webapi.services import services

api_keys = APIBlueprint("api_keys", __name__, tag="API keys")

_REVOKED = {"message": "API key revoked"}


@api_keys.get("")
@signed_in
@api_keys.output(schemas.KeysOut)
def list_keys() -> dict[str, Any]:
    """One's live API keys, newest first; nobody has more than 20."""
    work = services()
    with work.database.connection() as conn:
        keys = queries.all_of(conn, access.principal().user_id, work.clock())
    return {"api_keys": [_shown(key) for key in keys]}


@api_keys.post("")
@signed_in
@step_up.step_up
@api_keys.input(schemas.KeyIn)
@api_keys.output(schemas.NewKeyOut, 201)
def create_key(json_data: schemas.KeyIn) -> dict[str, Any]:
    """Make an API key, shown once, in this answer; needs a recent login."""
    return _new(use_cases.create(services(), json_data))


@api_keys.post("/<key_id>/rotate")
@signed_in
@step_up.step_up
@api_keys.input(schemas.RotateIn)
@api_keys.output(schemas.NewKeyOut, 201)
def rotate_key(key_id: str, json_data: schemas.RotateIn) -> dict[str, Any]:
    """Make a key that takes the place of another, which lives on for `overlapSeconds`; needs a recent login."""
    return _new(use_cases.rotate(services(), key_id, json_data))


@api_keys.delete("/<key_id>")
@signed_in
@api_keys.output(Message, example=_REVOKED)
def revoke_key(key_id: str) -> dict[str, str]:
    """End an API key at once."""
    use_cases.revoke(services(), key_id)
    return _REVOKED


def _new(issued: IssuedKey) -> dict[str, Any]:
    return {"api_key": _shown(issued.key), "key": issued.secret}


def _shown(key: ApiKey) -> dict[str, Any]:
    return {**asdict(key), "is_signed": key.public_key is not None}
