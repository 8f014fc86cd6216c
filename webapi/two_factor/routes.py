"""The authenticator app and recovery codes."""

from typing import Any

from apiflask import APIBlueprint

from webapi.auth import proofs
from webapi.security import access, limits, step_up
from webapi.security.access import signed_in
from webapi.services import services
from webapi.two_factor import codes, queries, schemas, use_cases

two_factor = APIBlueprint("two_factor", __name__, tag="Two-factor authentication")


@two_factor.post("/setup")
@signed_in
@step_up.step_up
@two_factor.output(schemas.SetUpOut)
def set_up() -> dict[str, str]:
    """A new secret for an authenticator app; needs a recent login. It counts once `/2fa/verify` got a code of it."""
    work = services()
    secret = use_cases.set_up(work)
    address = codes.address_of(secret, proofs.caller(work).email)
    return {"secret": secret, "otpauth_url": address, "qr_code": codes.qr_code(address)}


@two_factor.post("/verify")
@signed_in
@limits.auth
@two_factor.input(schemas.VerifyIn)
@two_factor.output(schemas.VerifiedOut)
def verify(json_data: schemas.VerifyIn) -> dict[str, Any]:
    """Make the new secret count, by a code of it; recovery codes are shown this once, and other sessions end."""
    return {"success": True, "backup_codes": use_cases.enable(services(), json_data)}


@two_factor.post("/disable")
@signed_in
@limits.auth
@two_factor.input(schemas.DisableIn)
@two_factor.output(schemas.DisabledOut)
def disable(json_data: schemas.DisableIn) -> dict[str, Any]:
    """Forget the authenticator app, by the password and a code; other sessions end."""
    use_cases.disable(services(), json_data)
    return {"success": True, "message": "Two-factor authentication disabled"}


@two_factor.get("/status")
@signed_in
@two_factor.output(schemas.StatusOut)
def status() -> dict[str, Any]:
    """Which second factors one's account has."""
    with services().database.connection() as conn:
        state = queries.state(conn, access.principal().user_id)
    return {
        "enabled": state is not None and state.is_enabled,
        "backup_codes_left": 0 if state is None else state.codes_left,
        "passkeys": 0 if state is None else state.passkeys,
    }


@two_factor.post("/backup-codes")
@signed_in
@step_up.step_up
@limits.auth
@two_factor.input(schemas.RegenerateIn)
@two_factor.output(schemas.CodesOut)
def regenerate(json_data: schemas.RegenerateIn) -> dict[str, Any]:
    """New recovery codes in place of the old ones; needs a recent login."""
    return {"backup_codes": use_cases.renew_codes(services(), json_data)}
