"""Register, log in, stay logged in, log out."""

from typing import Any
from uuid import UUID

import jwt
from apiflask import APIBlueprint
from flask import request
from flask_jwt_extended.exceptions import JWTExtendedException
from psycopg import Connection

from coinsphere.notify import mail
from webapi import errors
from webapi.auth import queries, schemas
from webapi.auth.queries import User
from webapi.schema import Message
from webapi.security import access, access_tokens, audit, limits, sessions
from webapi.security.access import public, signed_in
from webapi.services import Services, services

auth = APIBlueprint("auth", __name__, tag="Authentication")

_REGISTERED = "Registration successful"
_USER_AGENT_LENGTH = 400
_TAKEN_SUBJECT = "Somebody tried to register with your address"
_TAKEN_TEXT = """\
Somebody, perhaps you, tried to open a Coinsphere account with this address, which has one already.
If it was you, log in, or choose a new password where you have forgotten yours. If it was not, there is nothing to do.
"""


@auth.post("/register")
@public
@limits.auth
@auth.input(schemas.RegisterIn)
@auth.output(schemas.RegisteredOut, 201, description="The account was made.")
def register(json_data: schemas.RegisterIn) -> dict[str, Any]:
    """Open an account.

    Answers 400 whose `error` contains `already exists` for a taken address, unless the server conceals accounts: then
    every address gets the same answer, without tokens, and the owner of a taken one is told by mail.
    """
    work = services()
    password_hash = work.passwords.hash(json_data.password)
    with work.database.connection() as conn:
        user = queries.create(
            conn,
            json_data.email,
            password_hash,
            first_name=json_data.first_name,
            last_name=json_data.last_name,
        )
        if user is not None:
            audit.record(conn, "user.registered", actor_id=user.id)
        if work.settings.registration_conceals_accounts:
            if user is None:
                _tell_owner(conn, json_data.email)
            return {"message": f"{_REGISTERED}. Log in with your password."}
        if user is None:
            raise _taken()
        return {**_new_session(work, conn, user), "message": _REGISTERED}


@auth.post("/login")
@public
@limits.auth
@auth.input(schemas.LoginIn)
@auth.output(schemas.LoggedInOut)
def login(json_data: schemas.LoginIn) -> dict[str, Any]:
    """Log in.

    Answers 401 `Invalid credentials` alike for a wrong password, an unknown address and a disabled account, and 403
    with `requires2FA: true` where a second factor is needed.
    """
    work = services()
    with work.database.connection() as conn:
        user = queries.by_email(conn, schemas.canonical(json_data.email))
    # Outside the transaction: a hash takes long, and a connection is scarcer than a thread.
    known = work.passwords.verify(user.password_hash if user else None, json_data.password)
    with work.database.connection() as conn:
        if user is None or not known or not user.is_active:
            audit.record(conn, "login.refused", target=str(user.id) if user else None)
            conn.commit()
            raise errors.Problem(401, "Invalid credentials", code="invalid-credentials")
        if user.two_factor_enabled:
            raise _second_factor_needed()
        queries.logged_in(conn, user.id, work.clock(), _rehashed(work, user, json_data.password))
        audit.record(conn, "login", actor_id=user.id)
        return _new_session(work, conn, user)


@auth.post("/refresh")
@public
@limits.auth
@auth.input(schemas.RefreshIn)
@auth.output(schemas.TokenPairOut)
def refresh(json_data: schemas.RefreshIn) -> dict[str, str]:
    """Change a refresh token for a new pair.

    A token that was used before ends its session: somebody has a copy of it.
    """
    work = services()
    now = work.clock()
    with work.database.connection() as conn:
        owner = sessions.spend_refresh_token(conn, json_data.refresh_token, now)
        if owner is not None:
            return _tokens(work, conn, owner.user_id, owner.session_id)
        ended = sessions.end_if_reused(conn, json_data.refresh_token, now)
        if ended is not None:
            audit.record(conn, "refresh.reused", target=str(ended))
    if ended is not None:
        work.sessions.bury(ended)
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
            audit.record(conn, "logout", target=str(session_id))
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
        audit.record(conn, "logout.all", actor_id=caller.user_id)
    work.sessions.bury(caller.session_id, *ended)
    return {"message": "Logged out successfully everywhere", "sessions": len(ended)}


@auth.get("/me")
@signed_in
@auth.output(schemas.MeOut)
def me() -> dict[str, Any]:
    """One's own account."""
    work = services()
    caller = access.principal()
    with work.database.connection() as conn:
        user = queries.by_id(conn, caller.user_id)
        count = queries.count_sessions(conn, caller.user_id, work.clock())
    if user is None:
        raise access_tokens.unauthorized("the account is gone")
    return {"user": user, "sessions": count}


def _taken() -> errors.Problem:
    message = "an account with this address already exists"
    return errors.Problem(
        400,
        message,
        code="address-taken",
        extra={"details": [{"path": "email", "message": message, "code": "taken"}]},
    )


def _tell_owner(conn: Connection, email: str) -> None:
    owner = queries.by_email(conn, email)
    if owner is not None:
        mail.enqueue(conn, owner.email, _TAKEN_SUBJECT, _TAKEN_TEXT, None, user_id=owner.id)


def _second_factor_needed() -> errors.Problem:
    return errors.Problem(
        403, "two-factor code needed", code="two-factor", extra={"requires2FA": True}
    )


def _rehashed(work: Services, user: User, password: str) -> str | None:
    outdated = work.passwords.is_outdated(user.password_hash)
    return work.passwords.hash(password) if outdated else None


def _new_session(work: Services, conn: Connection, user: User) -> dict[str, Any]:
    session_id = sessions.open_session(
        conn,
        user.id,
        work.clock(),
        work.settings,
        user_agent=(request.user_agent.string or "")[:_USER_AGENT_LENGTH] or None,
        ip_address=request.remote_addr,
    )
    return {"user": user, **_tokens(work, conn, user.id, session_id)}


def _tokens(work: Services, conn: Connection, user_id: UUID, session_id: UUID) -> dict[str, str]:
    return {
        "access_token": access_tokens.issue(work.keyring, user_id, session_id),
        "refresh_token": sessions.issue_refresh_token(
            conn, session_id, work.clock(), work.settings
        ),
    }


def _session_of_header() -> UUID | None:
    """The session of the access token, if there is one that we signed and that is in date."""
    try:
        return access_tokens.presented_session()
    except (jwt.PyJWTError, JWTExtendedException):
        return None


def _session_of(conn: Connection, refresh_token: str | None) -> UUID | None:
    return None if refresh_token is None else sessions.of_refresh_token(conn, refresh_token)
