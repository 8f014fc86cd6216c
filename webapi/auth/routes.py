"""Register, log in, stay logged in, show to be there, log out."""

from typing import Any
from uuid import UUID

import jwt
from apiflask import APIBlueprint
from flask import Response, request
from flask_jwt_extended.exceptions import JWTExtendedException
from psycopg import Connection

from coinsphere.audit.events import Event
from coinsphere.notify import account_mails
from webapi import mails
from webapi.auth import current_user, logins, proofs, queries, registration, schemas
from webapi.http import pages
from webapi.http.schema import Message
from webapi.security import access, access_tokens, audit, limits, sessions
from webapi.security.access import public, signed_in
from webapi.security.step_up import FRESH
from webapi.services import Services, services

auth = APIBlueprint("auth", __name__, tag="Authentication")

_REGISTERED = "Registration successful"


@auth.post("/register")
@public
@limits.auth
@auth.input(schemas.RegisterIn)
@auth.output(schemas.RegisteredOut, 201, description="The account was made.")
def register(json_data: schemas.RegisterIn) -> dict[str, Any]:
    """Open an account; a link that confirms its address is sent by mail.

    Answers 400 whose `error` contains `already exists` for a taken address, unless the server conceals accounts: then
    every address gets the same answer, without tokens, and the owner of a taken one is told by mail.
    """
    opened = registration.register(services(), json_data, logins.tokens)
    if opened is None:
        return {"message": f"{_REGISTERED}. Log in with your password."}
    return {**opened.answer, "message": _REGISTERED}


@auth.post("/login")
@public
@limits.auth
@auth.input(schemas.LoginIn)
@auth.output(schemas.LoggedInOut)
def login(json_data: schemas.LoginIn) -> dict[str, Any]:
    """Log in.

    Answers 401 `Invalid credentials` alike for a wrong password, an unknown address and a disabled account, and 403
    with `requires2FA: true` where a second factor is needed: send the credentials again with `twoFactorToken` or, where
    the answer holds a `passkey` to be asked, with what that answered.
    """
    return logins.log_in(services(), json_data, logins.tokens).answer


@auth.post("/refresh")
@public
@limits.auth
@auth.input(schemas.RefreshIn)
@auth.output(schemas.TokenPairOut)
def refresh(json_data: schemas.RefreshIn) -> dict[str, str]:
    """Change a refresh token for a new pair.

    A token that was used before ends its session, as somebody has a copy of it; but for `refresh_grace_seconds` it
    gives the same new refresh token again, to tabs that refresh at once and to a client that lost the answer.
    """
    work = services()
    now = work.clock()
    with work.database.connection() as conn:
        spent = sessions.spend_refresh_token(conn, json_data.refresh_token, now, work.settings)
        if spent is not None:
            owner, successor = spent
            return logins.tokens(work, conn, owner.user_id, owner.session_id, successor)
        copied = sessions.end_if_reused(conn, json_data.refresh_token, now)
        if copied is not None:
            _tell_of_copy(work, conn, copied)
    if copied is not None:
        work.sessions.bury(copied.session_id)
    raise access_tokens.unauthorized("the refresh token is not valid")


@auth.post("/logout")
@public
@auth.input(schemas.LogoutIn)
@auth.output(Message, example={"message": "Logged out successfully"})
def logout(json_data: schemas.LogoutIn) -> dict[str, str]:
    """End the session of the access token, of `refreshToken`, or of both; either suffices."""
    work = services()
    now = work.clock()
    with work.database.connection() as conn:
        named = (_session_of_header(), _session_of(conn, json_data.refresh_token))
        ended = {session_id for session_id in named if session_id is not None}
        for session_id in ended:
            sessions.end(conn, session_id, "logout", now)
            audit.record(conn, Event.LOGOUT, target=str(session_id))
    if not ended:
        raise access_tokens.unauthorized("send an access token or a refreshToken")
    work.sessions.bury(*ended)
    return {"message": "Logged out successfully"}


@auth.post("/logout-all")
@signed_in
@auth.output(schemas.LoggedOutAllOut, example={"message": "Logged out successfully", "sessions": 2})
def logout_all() -> dict[str, Any]:
    """End every session of one's account, this one too."""
    work = services()
    caller = access.principal()
    with work.database.connection() as conn:
        ended = queries.end_sessions(conn, caller.user_id, "logout_all", work.clock())
        audit.record(conn, Event.LOGOUT_ALL, actor_id=caller.user_id)
    work.sessions.bury(caller.session_id, *ended)
    return {"message": "Logged out successfully everywhere", "sessions": len(ended)}


@auth.get("/me")
@signed_in
@auth.output(schemas.MeOut)
def me() -> Response:
    """One's own account."""
    page = pages.own(lambda: schemas.MeOut.model_validate(current_user.current_user()))
    return Response(page.body, mimetype="application/json")


@auth.post("/step-up")
@signed_in
@limits.auth
@auth.input(schemas.StepUpIn)
@auth.output(schemas.StepUpOut, example={"validUntil": "2026-11-24T08:05:00Z"})
def prove(json_data: schemas.StepUpIn) -> dict[str, Any]:
    """Show to be there, by the password or a code: what wants a recent login is possible for five minutes."""
    work = services()
    return {"valid_until": proofs.prove(work, json_data) + FRESH}


def _tell_of_copy(work: Services, conn: Connection, copied: sessions.Owner) -> None:
    user = queries.by_id(conn, copied.user_id)
    if user is not None:
        message = account_mails.session_copied(request.remote_addr, work.clock())
        mails.send(conn, user.email, message, user.id)
    audit.record(conn, Event.REFRESH_REUSED, actor_id=copied.user_id, target=str(copied.session_id))


def _session_of_header() -> UUID | None:
    """The session of the access token, if there is one that we signed and that is in date."""
    try:
        return access_tokens.presented_session()
    except (jwt.PyJWTError, JWTExtendedException):
        return None


def _session_of(conn: Connection, refresh_token: str | None) -> UUID | None:
    return None if refresh_token is None else sessions.of_refresh_token(conn, refresh_token)
