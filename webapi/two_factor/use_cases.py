"""What users do with their second factors: set up, enable, disable, new recovery codes."""

from typing import Any

from flask import request
from psycopg import Connection

from coinsphere.audit.events import Event
from coinsphere.notify import account_mails
from coinsphere.security import envelope
from coinsphere.security.sealed_columns import totp_secret
from webapi import mails
from webapi.auth import proofs
from webapi.auth.queries import User
from webapi.http import errors
from webapi.security import access, audit, sessions, throttle
from webapi.security.throttle import Kind
from webapi.services import Services
from webapi.two_factor import codes, factors, queries, schemas

_APP = "An authenticator app"


def set_up(work: Services) -> str:
    """A new secret for an authenticator app, which counts for nothing yet; the caller must have been asked for a step-up.

    Raises:
        errors.Problem: 409, an app is enabled already.
    """
    user = proofs.caller(work)
    secret = codes.new_secret()
    sealed = envelope.seal(work.encryption_keys, secret.encode(), totp_secret(user.id))
    with work.database.connection() as conn:
        if not queries.keep_pending(conn, user.id, sealed):
            raise _enabled_already()
        audit.record(conn, Event.TWO_FACTOR_SET_UP, actor_id=user.id)
    return secret


def pending(work: Services) -> str | None:
    """The secret that waits for its first code; None if there is none."""
    user_id = access.principal().user_id
    with work.database.connection() as conn:
        state = queries.state(conn, user_id)
    if state is None or state.is_enabled or state.sealed_secret is None:
        return None
    return envelope.open_(work.encryption_keys, state.sealed_secret, totp_secret(user_id)).decode()


def enable(work: Services, body: schemas.VerifyIn) -> list[str]:
    """Make the new secret count, by a code of it; other sessions end. New recovery codes.

    Raises:
        errors.Problem: 400, the code is wrong; 429 after too many wrong ones.
    """
    user = proofs.caller(work)
    now = work.clock()
    with work.database.connection() as conn:
        queries.lock(conn, user.id)
        guarded = proofs.guard(conn, work, Kind.SECOND_FACTOR, user.email)
        is_right = factors.take_pending(work, conn, user.id, body.token)
        if is_right:
            throttle.forget(conn, guarded)
            queries.enable(conn, user.id, now)
            recovery_codes = factors.issue_codes(conn, user.id, now)
            ended = _changed(work, conn, user, Event.TWO_FACTOR_ENABLED)
        else:
            throttle.failed(conn, guarded, now)
            audit.record(conn, Event.SECOND_FACTOR_REFUSED, actor_id=user.id)
    if not is_right:
        raise proofs.wrong_code("token")
    work.sessions.bury(*ended)
    return recovery_codes


def disable(work: Services, body: schemas.DisableIn) -> None:
    """Forget the authenticator app, by the password and a code; other sessions end.

    Raises:
        errors.Problem: 400, one of them is wrong; 409, there is no app; 429 after too many wrong ones.
    """
    user = proofs.caller(work)
    proofs.require_password(work, user, body.password, "password")
    proofs.require_code(work, user, body.token, "token")
    with work.database.connection() as conn:
        has_other = queries.disable(conn, user.id)
        if has_other is None:
            raise errors.Problem(409, "no authenticator app is enabled", code="not-enabled")
        if not has_other:
            queries.replace_codes(conn, user.id, [], work.clock())
        ended = _changed(work, conn, user, Event.TWO_FACTOR_DISABLED)
    work.sessions.bury(*ended)


def renew_codes(work: Services, body: schemas.RegenerateIn) -> list[str]:
    """New recovery codes in place of the old ones; the caller must have been asked for a step-up.

    Raises:
        errors.Problem: 400, a code is given and wrong; 409, there is no second factor.
    """
    user = proofs.caller(work)
    if not user.two_factor_enabled:
        raise errors.Problem(409, "no second factor is enabled", code="not-enabled")
    if body.token is not None:
        proofs.require_code(work, user, body.token, "token")
    now = work.clock()
    with work.database.connection() as conn:
        queries.lock(conn, user.id)
        recovery_codes = factors.issue_codes(conn, user.id, now)
        message = account_mails.recovery_codes_replaced(request.remote_addr, now)
        mails.send(conn, user.email, message, user.id)
        audit.record(conn, Event.BACKUP_CODES_REGENERATED, actor_id=user.id)
    return recovery_codes


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
