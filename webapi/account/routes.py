"""One's account: names, address, password, sessions."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import request
from psycopg import Connection
from psycopg.errors import UniqueViolation

from coinsphere.accounts import password_resets
from coinsphere.db.owner import Scope
from coinsphere.notify import account_mails
from coinsphere.security.audit_events import Event
from webapi import errors, letters, paths
from webapi.account import schemas, verifications
from webapi.account.verifications import Confirmed
from webapi.auth import proofs, queries
from webapi.auth import schemas as auth_schemas
from webapi.auth.queries import User
from webapi.auth.routes import taken
from webapi.schema import Message
from webapi.security import access, audit, limits, password_rules, sessions, step_up, throttle
from webapi.security.access import public, signed_in
from webapi.services import Services, services

account = APIBlueprint("account", __name__, tag="Account")

_SENT = "Password reset email sent if the address has an account"


@account.put("/profile")
@signed_in
@account.input(schemas.ProfileIn)
@account.output(schemas.ProfileOut)
def change_profile(json_data: schemas.ProfileIn) -> dict[str, Any]:
    """Change one's names or address.

    A new address needs a recent login, and counts once the link sent to it was followed; the present one is told. An
    unchanged address stays verified.
    """
    work = services()
    user = proofs.caller(work)
    new_email = _new_email(user, json_data.email)
    is_free = new_email is not None and _require_free(work, new_email)
    names = {"first_name": user.first_name, "last_name": user.last_name}
    names |= json_data.model_dump(include=names.keys() & json_data.model_fields_set)
    with work.database.connection() as conn:
        queries.set_names(conn, user.id, names["first_name"], names["last_name"])
        if new_email is not None:
            _begin_change(work, conn, user, new_email, is_free=is_free)
        pending = verifications.pending(conn, user.id, work.clock())
        changed = queries.by_id(conn, user.id)
        event = Event.PROFILE_CHANGED if new_email is None else Event.EMAIL_CHANGE_REQUESTED
        audit.record(conn, event, actor_id=user.id)
    is_other = pending is not None and pending != user.email
    return {"user": changed, "pending_email": pending if is_other else None}


@account.post("/change-password")
@signed_in
@limits.auth
@account.input(schemas.ChangePasswordIn)
@account.output(Message, example={"message": "Password changed successfully"})
def change_password(json_data: schemas.ChangePasswordIn) -> dict[str, str]:
    """Replace one's password; all other sessions end."""
    work = services()
    user = proofs.caller(work)
    proofs.require_password(work, user, json_data.current_password, "currentPassword")
    work.breaches.refuse(json_data.new_password, "newPassword")
    kept = access.principal().session_id
    with work.database.connection() as conn:
        ended = _replace_password(work, conn, user, json_data.new_password, kept, by_reset=False)
    work.sessions.bury(*ended)
    return {"message": "Password changed successfully"}


@account.post("/forgot-password")
@public
@limits.auth
@account.input(schemas.ForgotPasswordIn)
@account.output(Message, example={"message": _SENT})
def forgot_password(json_data: schemas.ForgotPasswordIn) -> dict[str, str]:
    """Have a link sent by which a new password is chosen; the answer is the same for every address."""
    work = services()
    with work.database.connection() as conn:
        # Whose address it is, is found out by the worker: here that would show in the time.
        password_resets.request(conn, auth_schemas.canonical(json_data.email))
        audit.record(conn, Event.PASSWORD_RESET_REQUESTED)
    return {"message": _SENT}


@account.post("/reset-password")
@public
@limits.auth
@account.input(schemas.ResetPasswordIn)
@account.output(Message, example={"message": "Password changed successfully. Log in with it."})
def reset_password(json_data: schemas.ResetPasswordIn) -> dict[str, str]:
    """Choose a new password by the token of a link. All sessions end; a second factor is asked for as before."""
    work = services()
    work.breaches.refuse(json_data.new_password, "newPassword")
    with work.database.connection() as conn:
        user_id = password_resets.spend(conn, json_data.token, work.clock())
        user = None if user_id is None else queries.by_id(conn, user_id)
        if user is None:
            raise _bad_token()
        ended = _replace_password(work, conn, user, json_data.new_password, None, by_reset=True)
    work.sessions.bury(*ended)
    return {"message": "Password changed successfully. Log in with it."}


@account.post("/verify-email")
@public
@limits.auth
@account.input(schemas.VerifyEmailIn)
@account.output(Message, example={"message": "Email verified successfully"})
def verify_email(json_data: schemas.VerifyEmailIn) -> dict[str, str]:
    """Confirm an address by the token of the link that was sent to it; a changed address counts from now on."""
    work = services()
    try:
        with work.database.connection() as conn:
            confirmed = verifications.spend(conn, json_data.token, work.clock())
            if confirmed is None:
                raise _bad_token()
            _confirm(work, conn, confirmed)
    except UniqueViolation:
        raise taken("token") from None
    return {"message": "Email verified successfully"}


@account.post("/resend-verification")
@signed_in
@limits.auth
@account.output(Message, example={"message": "Verification email sent"})
def resend_verification() -> dict[str, str]:
    """Have the link sent once more that confirms one's address, or the new one; six a day at most."""
    work = services()
    user = proofs.caller(work)
    with work.database.connection() as conn:
        pending = verifications.pending(conn, user.id, work.clock())
        wanted = pending or user.email
        is_change = wanted != user.email
        if user.email_verified and not is_change:
            return {"message": "The address is verified already"}
        verifications.send(work, conn, user.id, wanted, is_change=is_change)
    return {"message": "Verification email sent"}


@account.get("/sessions")
@signed_in
@account.output(schemas.SessionsOut)
def list_sessions() -> dict[str, Any]:
    """One's live sessions."""
    work = services()
    caller = access.principal()
    with work.database.connection() as conn:
        found = sessions.all_of(conn, caller.user_id, work.clock())
    return {"sessions": [_session(each, caller.session_id) for each in found]}


@account.delete("/sessions/<session_id>")
@signed_in
@step_up.step_up
@account.output(Message, example={"message": "Session ended"})
def end_session(session_id: str) -> dict[str, str]:
    """End one session; needs a recent login."""
    work = services()
    caller = access.principal()
    ended = paths.uuid(session_id, "session")
    with work.database.connection() as conn:
        if not sessions.end_one(conn, caller.user_id, ended, work.clock()):
            raise errors.not_found("session")
        audit.record(conn, Event.SESSION_ENDED, actor_id=caller.user_id, target=str(ended))
    work.sessions.bury(ended)
    return {"message": "Session ended"}


@account.delete("/sessions")
@signed_in
@step_up.step_up
@account.output(schemas.EndedOut, example={"message": "All other sessions ended", "sessions": 2})
def end_other_sessions() -> dict[str, Any]:
    """End all sessions but the one that asks; needs a recent login."""
    work = services()
    caller = access.principal()
    with work.database.connection() as conn:
        ended = sessions.end_others(
            conn, caller.user_id, caller.session_id, "logout_all", work.clock()
        )
        audit.record(conn, Event.SESSION_ENDED, actor_id=caller.user_id, target="others")
    work.sessions.bury(*ended)
    return {"message": "All other sessions ended", "sessions": len(ended)}


def _new_email(user: User, email: str | None) -> str | None:
    """The address that is to replace the present one; None if it stays, also in other letters' case."""
    return None if email is None or email.casefold() == user.email.casefold() else email


def _require_free(work: Services, email: str) -> bool:
    """Whether an address may become the caller's.

    Raises:
        errors.Problem: 403, a recent login is needed; 400, another account has it, where that is no secret.
    """
    step_up.require()
    # The caller's own transactions do not see the accounts of others.
    with work.database.connection_as(Scope.AUTHENTICATION) as conn:
        is_free = not queries.is_taken(conn, email)
    if not is_free and not work.settings.registration_conceals_accounts:
        raise taken("email")
    return is_free


def _begin_change(
    work: Services, conn: Connection, user: User, email: str, *, is_free: bool
) -> None:
    if is_free:
        verifications.send(work, conn, user.id, email, is_change=True)
    letter = account_mails.address_is_changing(email, request.remote_addr, work.clock())
    letters.send(conn, user.email, letter, user.id)


def _replace_password(
    work: Services,
    conn: Connection,
    user: User,
    password: str,
    kept: UUID | None,
    *,
    by_reset: bool,
) -> list[UUID]:
    """Store a new password; gives the sessions that ended for it, to be buried after the commit."""
    now = work.clock()
    password_rules.require_unrelated(
        password, user.email, user.first_name, user.last_name, path="newPassword"
    )
    queries.set_password(conn, user.id, work.passwords.hash(password))
    password_resets.void(conn, user.id, now)
    throttle.forget_all(
        conn, work.password_keys, login=user.email, address=request.remote_addr, now=now
    )
    if kept is not None:
        sessions.proved(conn, kept, now)
    ended = sessions.end_others(conn, user.id, kept, "password", now)
    letter = account_mails.password_changed(request.remote_addr, now, by_reset=by_reset)
    letters.send(conn, user.email, letter, user.id)
    event = Event.PASSWORD_RESET if by_reset else Event.PASSWORD_CHANGED
    audit.record(conn, event, actor_id=user.id)
    return ended


def _confirm(work: Services, conn: Connection, confirmed: Confirmed) -> None:
    queries.set_email(conn, confirmed.user_id, confirmed.email)
    if confirmed.is_new:
        # A link that was sent to the former address must not open the account.
        password_resets.void(conn, confirmed.user_id, work.clock())
        letter = account_mails.address_changed(confirmed.email, work.clock())
        letters.send(conn, confirmed.former_email, letter, confirmed.user_id)
    event = Event.EMAIL_CHANGED if confirmed.is_new else Event.EMAIL_VERIFIED
    audit.record(conn, event, actor_id=confirmed.user_id)


def _bad_token() -> errors.Problem:
    return errors.invalid(
        [
            {
                "path": "token",
                "message": "is not valid, was used, or its time is over",
                "code": "bad_token",
            }
        ]
    )


def _session(found: sessions.Session, current: UUID) -> dict[str, Any]:
    shown = ("id", "user_agent", "ip_address", "created_at", "last_seen_at", "expires_at")
    return {**{name: getattr(found, name) for name in shown}, "current": found.id == current}
