"""What users do with their own account: profile, password, address and sessions."""

from uuid import UUID

from flask import request
from psycopg import Connection
from psycopg.errors import UniqueViolation

from coinsphere.accounts import password_resets
from coinsphere.analytics import recording
from coinsphere.analytics.events import Confirmed as AddressConfirmed
from coinsphere.audit.events import Event
from coinsphere.db.owner import Scope
from coinsphere.notify import account_mails
from webapi import mails
from webapi.account import schemas, verifications
from webapi.account.verifications import Confirmed
from webapi.auth import proofs, queries
from webapi.auth import schemas as auth_schemas
from webapi.auth.queries import User
from webapi.auth.registration import taken
from webapi.http import errors
from webapi.security import access, audit, password_rules, sessions, step_up, throttle
from webapi.services import Services


def change_profile(work: Services, body: schemas.ProfileIn) -> tuple[User | None, str | None]:
    """Change names or address. Returns the account, and the address that waits for confirmation, if any.

    Raises:
        errors.Problem: 403, a new address needs a recent login; 400, it is taken; 429, enough links were sent.
    """
    user = proofs.caller(work)
    new_email = _new_email(user, body.email)
    is_free = new_email is not None and _require_free(work, new_email)
    names = {"first_name": user.first_name, "last_name": user.last_name}
    names |= body.model_dump(include=names.keys() & body.model_fields_set)
    with work.database.connection() as conn:
        queries.set_names(conn, user.id, names["first_name"], names["last_name"])
        if new_email is not None:
            _begin_change(work, conn, user, new_email, is_free=is_free)
        pending = pending_email(work, conn, user)
        changed = queries.by_id(conn, user.id)
        event = Event.PROFILE_CHANGED if new_email is None else Event.EMAIL_CHANGE_REQUESTED
        audit.record(conn, event, actor_id=user.id)
    return changed, pending


def pending_email(work: Services, conn: Connection, user: User) -> str | None:
    """The address that waits for confirmation; None if there is none."""
    pending = verifications.pending(conn, user.id, work.clock())
    return pending if pending is not None and pending != user.email else None


def change_password(work: Services, body: schemas.ChangePasswordIn) -> None:
    """Replace one's password; all other sessions end. Raises `errors.Problem` with status 400, 429 or 503."""
    user = proofs.caller(work)
    proofs.require_password(work, user, body.current_password, "currentPassword")
    work.breaches.refuse(body.new_password, "newPassword")
    kept = access.principal().session_id
    with work.database.connection() as conn:
        ended = _replace_password(work, conn, user, body.new_password, kept, by_reset=False)
    work.sessions.bury(*ended)


def request_reset(work: Services, body: schemas.ForgotPasswordIn) -> None:
    """Have a link sent by which a new password is chosen, if the address has an account."""
    with work.database.connection() as conn:
        # Whose address it is, is found out by the worker: here that would show in the time.
        password_resets.request(conn, auth_schemas.canonical(body.email))
        audit.record(conn, Event.PASSWORD_RESET_REQUESTED)


def reset_password(work: Services, body: schemas.ResetPasswordIn) -> None:
    """Choose a new password by the token of a link; all sessions end. Raises `errors.Problem` with status 400."""
    work.breaches.refuse(body.new_password, "newPassword")
    with work.database.connection() as conn:
        user_id = password_resets.spend(conn, body.token, work.clock())
        user = None if user_id is None else queries.by_id(conn, user_id)
        if user is None:
            raise _bad_token()
        ended = _replace_password(work, conn, user, body.new_password, None, by_reset=True)
    work.sessions.bury(*ended)


def verify_email(work: Services, body: schemas.VerifyEmailIn) -> None:
    """Confirm an address by the token of a link. Raises `errors.Problem` with status 400."""
    try:
        with work.database.connection() as conn:
            confirmed = verifications.spend(conn, body.token, work.clock())
            if confirmed is None:
                raise _bad_token()
            _confirm(work, conn, confirmed)
    except UniqueViolation:
        raise taken("token") from None


def resend_verification(work: Services) -> bool:
    """Send the link again. Returns False where no address waits. Raises `errors.Problem` with status 429."""
    user = proofs.caller(work)
    with work.database.connection() as conn:
        pending = verifications.pending(conn, user.id, work.clock())
        wanted = pending or user.email
        is_change = wanted != user.email
        if user.email_verified and not is_change:
            return False
        verifications.send(work, conn, user.id, wanted, is_change=is_change)
    return True


def end_session(work: Services, ended: UUID) -> None:
    """End one session of one's own. Raises `errors.Problem` with status 404."""
    caller = access.principal()
    with work.database.connection() as conn:
        if not sessions.end_one(conn, caller.user_id, ended, work.clock()):
            raise errors.not_found("session")
        audit.record(conn, Event.SESSION_ENDED, actor_id=caller.user_id, target=str(ended))
    work.sessions.bury(ended)


def end_other_sessions(work: Services) -> int:
    """End all sessions except the caller's. Returns how many."""
    caller = access.principal()
    with work.database.connection() as conn:
        ended = sessions.end_others(
            conn, caller.user_id, caller.session_id, "logout_all", work.clock()
        )
        audit.record(conn, Event.SESSION_ENDED, actor_id=caller.user_id, target="others")
    work.sessions.bury(*ended)
    return len(ended)


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
    message = account_mails.address_is_changing(email, request.remote_addr, work.clock())
    mails.send(conn, user.email, message, user.id)


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
    message = account_mails.password_changed(request.remote_addr, now, by_reset=by_reset)
    mails.send(conn, user.email, message, user.id)
    event = Event.PASSWORD_RESET if by_reset else Event.PASSWORD_CHANGED
    audit.record(conn, event, actor_id=user.id)
    return ended


def _confirm(work: Services, conn: Connection, confirmed: Confirmed) -> None:
    queries.set_email(conn, confirmed.user_id, confirmed.email)
    if confirmed.is_new:
        # A link that was sent to the former address must not open the account.
        password_resets.void(conn, confirmed.user_id, work.clock())
        message = account_mails.address_changed(confirmed.email, work.clock())
        mails.send(conn, confirmed.former_email, message, confirmed.user_id)
    else:
        recording.record(conn, confirmed.user_id, AddressConfirmed(), work.clock())
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
