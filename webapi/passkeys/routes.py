"""Passkeys: added and removed by their owner, and a login by one alone."""

from typing import Any

from apiflask import APIBlueprint
from flask import request

from coinsphere.notify import account_mails
from coinsphere.security.audit_events import Event
from webapi import mails
from webapi.auth import logins, proofs
from webapi.auth import queries as accounts
from webapi.auth.schemas import LoggedInOut
from webapi.http import errors, paths
from webapi.http.schema import Message
from webapi.passkeys import ceremonies, queries, schemas
from webapi.passkeys.ceremonies import PasskeyRefused
from webapi.security import access, audit, limits, sessions, step_up
from webapi.security.access import public, signed_in
from webapi.services import services
from webapi.two_factor import factors
from webapi.two_factor import queries as second_factors

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
    work = services()
    user = proofs.caller(work)
    with work.database.connection() as conn:
        return ceremonies.registration(work, conn, user, work.clock())


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
    work = services()
    user = proofs.caller(work)
    now = work.clock()
    with work.database.connection() as conn:
        second_factors.lock(conn, user.id)
        known = queries.all_of(conn, user.id)
        if len(known) >= queries.MOST:
            raise errors.Problem(409, f"at most {queries.MOST} passkeys", code="too-many")
        try:
            new = ceremonies.finish_registration(work, conn, user.id, json_data, now)
        except PasskeyRefused:
            raise _refused() from None
        passkey_id = queries.add(conn, user.id, new, now)
        if passkey_id is None:
            raise errors.Problem(409, "the passkey is known already", code="known-already")
        second_factors.mark(conn, user.id)
        first = not user.two_factor_enabled
        made = factors.issue_codes(conn, user.id, now) if first else None
        ended = sessions.end_others(conn, user.id, access.principal().session_id, "two_factor", now)
        added = next(each for each in queries.all_of(conn, user.id) if each.id == passkey_id)
        message = account_mails.second_factor_added("A passkey", request.remote_addr, now)
        mails.send(conn, user.email, message, user.id)
        audit.record(conn, Event.PASSKEY_ADDED, actor_id=user.id, target=str(passkey_id))
    work.sessions.bury(*ended)
    return {"passkey": added, "backup_codes": made}


@passkeys.delete("/<passkey_id>")
@signed_in
@step_up.step_up
@passkeys.output(Message, example={"message": "Passkey removed"})
def remove(passkey_id: str) -> dict[str, str]:
    """Remove a passkey; needs a recent login. Other sessions end."""
    work = services()
    user = proofs.caller(work)
    removed = paths.uuid(passkey_id, "passkey")
    now = work.clock()
    with work.database.connection() as conn:
        second_factors.lock(conn, user.id)
        if queries.remove(conn, user.id, removed) is None:
            raise errors.not_found("passkey")
        if not second_factors.mark(conn, user.id):
            second_factors.replace_codes(conn, user.id, [], now)
        ended = sessions.end_others(conn, user.id, access.principal().session_id, "two_factor", now)
        message = account_mails.second_factor_removed("A passkey", request.remote_addr, now)
        mails.send(conn, user.email, message, user.id)
        audit.record(conn, Event.PASSKEY_REMOVED, actor_id=user.id, target=str(removed))
    work.sessions.bury(*ended)
    return {"message": "Passkey removed"}


@passkeys.post("/login/options")
@public
@limits.auth
@passkeys.output(schemas.ChallengeOut)
def login_options() -> dict[str, Any]:
    """What a passkey is to be asked for a login; it is the same for everybody, the passkey says who it is."""
    work = services()
    with work.database.connection() as conn:
        return ceremonies.login(work, conn, work.clock())


@passkeys.post("/login")
@public
@limits.auth
@passkeys.input(schemas.AssertionIn)
@passkeys.output(LoggedInOut)
def login(json_data: schemas.AssertionIn) -> dict[str, Any]:
    """Log in by a passkey alone. It must have verified its user, so no password and no code is asked for."""
    work = services()
    with work.database.connection() as conn:
        try:
            user_id = ceremonies.finish_login(work, conn, json_data, work.clock())
        except PasskeyRefused:
            user_id = None
        user = None if user_id is None else accounts.by_id(conn, user_id)
        if user is not None and user.is_active:
            opened = logins.open_session(work, conn, user, grant=logins.tokens)
        else:
            opened = None
            audit.record(conn, Event.LOGIN_REFUSED, target=None if user is None else str(user.id))
    if opened is None:
        raise errors.Problem(401, "Invalid credentials", code="invalid-credentials")
    work.sessions.bury(*opened.ended)
    return opened.answer


def _refused() -> errors.Problem:
    return errors.invalid(
        [{"path": "credential", "message": "is not good, or comes too late", "code": "passkey"}]
    )
