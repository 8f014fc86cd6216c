"""Proofs that a signed-in caller is the account's owner: its password, or a code of a second factor."""

from datetime import datetime

from flask import request
from psycopg import Connection

from coinsphere.audit.events import Event
from webapi.auth import queries, schemas
from webapi.auth.queries import User
from webapi.http import errors
from webapi.security import access, access_tokens, audit, sessions, throttle
from webapi.security.throttle import Guarded, Kind
from webapi.services import Services
from webapi.two_factor import factors
from webapi.two_factor import queries as two_factor
from webapi.two_factor.factors import Taken


def caller(work: Services) -> User:
    """The account of the caller.

    Raises:
        errors.Problem: 401, it is gone.
    """
    with work.database.connection() as conn:
        return account(conn)


def account(conn: Connection) -> User:
    """The account of the caller, by a transaction that acts for them."""
    user = queries.by_id(conn, access.principal().user_id)
    if user is None:
        raise access_tokens.unauthorized("the account is gone")
    return user


def prove(work: Services, body: schemas.StepUpIn) -> datetime:
    """Check a proof that the caller is present, which allows acts that require a recent login.

    Raises:
        errors.Problem: 400, it is wrong; 429 after too many wrong ones.
    """
    user = caller(work)
    if body.password is not None:
        require_password(work, user, body.password, "password")
    elif body.two_factor_token is not None:
        require_code(work, user, body.two_factor_token, "twoFactorToken")
    now = work.clock()
    with work.database.connection() as conn:
        sessions.proved(conn, access.principal().session_id, now)
    return now


def require_password(work: Services, user: User, password: str, path: str) -> None:
    """Raise unless `password` is the account's password.

    Args:
        work: the services.
        user: the account.
        password: the password.
        path: the field that it came in.

    Raises:
        errors.Problem: 400 that names the field; 429 after too many wrong ones; 503 when too many wait.
    """
    now = work.clock()
    with work.passwords.turn() as turn:
        with work.database.connection() as conn:
            guarded = guard(conn, work, Kind.PASSWORD, user.email)
        is_right = turn.verify(user.password_hash, password)
        with work.database.connection() as conn:
            if is_right:
                throttle.forget(conn, guarded)
                return
            throttle.failed(conn, guarded, now)
            audit.record(conn, Event.STEP_UP_REFUSED, actor_id=user.id)
    raise errors.invalid([{"path": path, "message": "is wrong", "code": "wrong_password"}])


def require_code(work: Services, user: User, code: str, path: str) -> None:
    """Use up a code, time-based or for recovery, of the account's second factor.

    Raises:
        errors.Problem: 400 that names the field; 429 after too many wrong ones.
    """
    now = work.clock()
    with work.database.connection() as conn:
        two_factor.lock(conn, user.id)
        guarded = guard(conn, work, Kind.SECOND_FACTOR, user.email)
        taken = factors.take(work, conn, user.id, code, now)
        if taken is not None:
            throttle.forget(conn, guarded)
            if taken is Taken.RECOVERY:
                factors.tell_of_recovery(conn, user.id, user.email, now)
            return
        throttle.failed(conn, guarded, now)
        audit.record(conn, Event.STEP_UP_REFUSED, actor_id=user.id)
    raise wrong_code(path)


def wrong_code(path: str) -> errors.Problem:
    """400 for a code that is wrong or used up."""
    return errors.invalid(
        [{"path": path, "message": "is wrong, or was used before", "code": "wrong_code"}]
    )


def guard(conn: Connection, work: Services, kind: Kind, login: str) -> Guarded:
    """The guard of a secret of the account `login`, which need not exist, if a guess may be made now.

    Raises:
        errors.Problem: 429, with the seconds to wait.
    """
    now = work.clock()
    guarded = throttle.account(
        conn, work.password_keys, kind, login=login, address=request.remote_addr, now=now
    )
    throttle.require_patience(conn, guarded, work.settings.login_failures_global, now)
    return guarded
