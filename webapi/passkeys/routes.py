"""Passkeys: added and removed by their owner, and a login by one alone."""

from typing import Any

from apiflask import APIBlueprint

from webapi.auth import logins
from webapi.auth.schemas import LoggedInOut
from webapi.http.schema import Message
from webapi.passkeys import queries, schemas, use_cases
from webapi.security import access, limits, step_up
from webapi.security.access import public, signed_in
from webapi.services import services

passkeys = APIBlueprint("passkeys", __name__, tag="Two-factor authentication")


@passkeys.get("")
@signed_in
@passkeys.output(schemas.PasskeysOut)
def list_passkeys() -> dict[str, Any]:
    """One's passkeys."""
    with services().database.connection() as conn:
        return {"passkeys": queries.all_of(conn, access.principal().user_id)}


@passkeys.post("/options")
@signed_in
@step_up.step_up
@passkeys.output(schemas.ChallengeOut)
def registration_options() -> dict[str, Any]:
    """What an authenticator is to be asked for a new passkey; needs a recent login."""
    return use_cases.registration(services())


@passkeys.post("")
@signed_in
@step_up.step_up
@limits.auth
@passkeys.input(schemas.RegistrationIn)
@passkeys.output(schemas.AddedOut, 201, description="The passkey was added.")
def add(json_data: schemas.RegistrationIn) -> dict[str, Any]:
    """Add a passkey; needs a recent login. A password alone lets nobody in from now on, and other sessions end.

    The account's first second factor comes with recovery codes, shown this once.
    """
    added = use_cases.add(services(), json_data)
    return {"passkey": added.passkey, "backup_codes": added.codes}


@passkeys.delete("/<passkey_id>")
@signed_in
@step_up.step_up
@passkeys.output(Message, example={"message": "Passkey removed"})
def remove(passkey_id: str) -> dict[str, str]:
    """Remove a passkey; needs a recent login. Other sessions end."""
    use_cases.remove(services(), passkey_id)
    return {"message": "Passkey removed"}


@passkeys.post("/login/options")
@public
@limits.auth
@passkeys.output(schemas.ChallengeOut)
def login_options() -> dict[str, Any]:
    """What a passkey is to be asked for a login; it is the same for everybody, the passkey says who it is."""
    return use_cases.asked_for_login(services())


@passkeys.post("/login")
@public
@limits.auth
@passkeys.input(schemas.AssertionIn)
@passkeys.output(LoggedInOut)
def login(json_data: schemas.AssertionIn) -> dict[str, Any]:
    """Log in by a passkey alone. It must have verified its user, so no password and no code is asked for."""
    return use_cases.log_in(services(), json_data, logins.tokens).answer
