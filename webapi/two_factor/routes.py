"""The authenticator app and recovery codes."""

from typing import Any

from apiflask import APIBlueprint
from flask import request
from psycopg import Connection

from coinsphere.notify import account_mails
from coinsphere.security import envelope
from coinsphere.security.audit_events import Event
from coinsphere.security.sealed_columns import totp_secret
from webapi import mails
from webapi.auth import proofs
from webapi.auth.queries import User
from webapi.http import errors
from webapi.security import access, audit, limits, sessions, step_up, throttle
from webapi.security.access import signed_in
from webapi.security.throttle import Kind
from webapi.services import Services, services
from webapi.two_factor import codes, factors, queries, schemas

two_factor = APIBlueprint("two_factor", __name__, tag="Two-factor authentication")

_APP = "An authenticator app"


@two_factor.post("/setup")
@signed_in
@step_up.step_up
@two_factor.output(schemas.SetUpOut)
def set_up() -> dict[str, str]:
    """A new secret for an authenticator app; needs a recent login. It counts once `/2fa/verify` got a code of it."""
    work = services()
    user = proofs.caller(work)
    secret = codes.new_secret()
    sealed = envelope.seal(work.encryption_keys, secret.encode(), totp_secret(user.id))
    with work.database.connection() as conn:
        if not queries.keep_pending(conn, user.id, sealed):
            raise _enabled_already()
        audit.record(conn, Event.TWO_FACTOR_SET_UP, actor_id=user.id)
    address = codes.address_of(secret, user.email)
    return {"secret": secret, "otpauth_url": address, "qr_code": codes.qr_code(address)}


@two_factor.post("/verify")
@signed_in
@limits.auth
@two_factor.input(schemas.VerifyIn)
@two_factor.output(schemas.VerifiedOut)
def verify(json_data: schemas.VerifyIn) -> dict[str, Any]:
    """Make the new secret count, by a code of it; recovery codes are shown this once, and other sessions end."""
    work = services()
    user = proofs.caller(work)
    now = work.clock()
    with work.database.connection() as conn:
        queries.lock(conn, user.id)
        guarded = throttle.account(
            conn,
            work.password_keys,
            Kind.SECOND_FACTOR,
            login=user.email,
            address=request.remote_addr,
            now=now,
        )
        throttle.require_patience(conn, guarded, work.settings.login_failures_global, now)
        is_right = factors.take_pending(work, conn, user.id, json_data.token)
        if is_right:
            throttle.forget(conn, guarded)
            queries.enable(conn, user.id, now)
            made = factors.issue_codes(conn, user.id, now)
            ended = _changed(work, conn, user, Event.TWO_FACTOR_ENABLED)
        else:
            throttle.failed(conn, guarded, now)
            audit.record(conn, Event.SECOND_FACTOR_REFUSED, actor_id=user.id)
    if not is_right:
        raise proofs.wrong_code("token")
    work.sessions.bury(*ended)
    return {"success": True, "backup_codes": made}


@two_factor.post("/disable")
@signed_in
@limits.auth
@two_factor.input(schemas.DisableIn)
@two_factor.output(schemas.DisabledOut)
def disable(json_data: schemas.DisableIn) -> dict[str, Any]:
    """Forget the authenticator app, by the password and a code; other sessions end."""
    work = services()
    user = proofs.caller(work)
    proofs.require_password(work, user, json_data.password, "password")
    proofs.require_code(work, user, json_data.token, "token")
    with work.database.connection() as conn:
        has_other = queries.disable(conn, user.id)
        if has_other is None:
            raise errors.Problem(409, "no authenticator app is enabled", code="not-enabled")
        if not has_other:
            queries.replace_codes(conn, user.id, [], work.clock())
        ended = _changed(work, conn, user, Event.TWO_FACTOR_DISABLED)
    work.sessions.bury(*ended)
    return {"success": True, "message": "Two-factor authentication disabled"}


@two_factor.get("/status")
@signed_in
@two_factor.output(schemas.StatusOut)
def status() -> dict[str, Any]:
    """Which second factors one's account has."""
    with services().database.connection() as conn:
        found = queries.state(conn, access.principal().user_id)
    return {
        "enabled": found is not None and found.is_enabled,
        "backup_codes_left": 0 if found is None else found.codes_left,
        "passkeys": 0 if found is None else found.passkeys,
    }


@two_factor.post("/backup-codes")
@signed_in
@step_up.step_up
@limits.auth
@two_factor.input(schemas.RegenerateIn)
@two_factor.output(schemas.CodesOut)
def regenerate(json_data: schemas.RegenerateIn) -> dict[str, Any]:
    """New recovery codes in place of the old ones; needs a recent login."""
    work = services()
    user = proofs.caller(work)
    if not user.two_factor_enabled:
        raise errors.Problem(409, "no second factor is enabled", code="not-enabled")
    if json_data.token is not None:
        proofs.require_code(work, user, json_data.token, "token")
    now = work.clock()
    with work.database.connection() as conn:
        queries.lock(conn, user.id)
        made = factors.issue_codes(conn, user.id, now)
        message = account_mails.recovery_codes_replaced(request.remote_addr, now)
        mails.send(conn, user.email, message, user.id)
        audit.record(conn, Event.BACKUP_CODES_REGENERATED, actor_id=user.id)
    return {"backup_codes": made}


def _changed(work: Services, conn: Connection, user: User, event: Event) -> list[Any]:
    """End the account's other sessions and tell its owner; the ended sessions, to be buried after the commit."""
    now = work.clock()
    ended = sessions.end_others(conn, user.id, access.principal().session_id, "two_factor", now)
    words = (
        account_mails.second_factor_added
        if event is Event.TWO_FACTOR_ENABLED
        else account_mails.second_factor_removed
    )
    mails.send(conn, user.email, words(_APP, request.remote_addr, now), user.id)
    audit.record(conn, event, actor_id=user.id)
    return ended


def _enabled_already() -> errors.Problem:
    return errors.Problem(
        409,
        "an authenticator app is enabled already",
        detail="Disable it first.",
        code="enabled-already",
    )
