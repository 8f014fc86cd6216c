"""Logins: the proofs that one requires, and the session that it opens."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn
from uuid import UUID

from flask import request
from psycopg import Connection

from coinsphere.audit.events import Event
from webapi.auth import proofs, queries, schemas
from webapi.auth.queries import User
from webapi.http import errors
from webapi.passkeys import ceremonies
from webapi.passkeys.schemas import AssertionIn
from webapi.security import access_tokens, audit, sessions, throttle
from webapi.security.throttle import Guarded, Kind
from webapi.services import Services
from webapi.two_factor import factors
from webapi.two_factor import queries as two_factor
from webapi.two_factor.factors import Taken

_USER_AGENT_LENGTH = 400

Grant = Callable[[Services, Connection, UUID, UUID], dict[str, str]]
"""Makes what the client of a new session gets, by user and session: a pair of tokens, or a browser's cookie."""


@dataclass(frozen=True, slots=True)
class Proved:
    """An account whose password was given; `new_hash` replaces one made with outdated parameters."""

    user: User
    guarded: Guarded
    new_hash: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session: the answer to the client, and older sessions that ended for it."""

    answer: dict[str, Any]
    ended: list[UUID]


def log_in(work: Services, body: schemas.LoginIn, grant: Grant) -> Opened:
    """Open a session by credentials, and a second factor where the account has one.

    Raises:
        errors.Problem: 401 alike for whatever is wrong; 403 with `requires2FA: true` where a second factor is needed;
            429 after too many wrong ones; 503 when too many wait.
    """
    proved = prove_password(work, body.email, body.password)
    opened = (
        with_second_factor(work, proved, body.two_factor_token, body.passkey, grant)
        if proved.user.two_factor_enabled
        else with_password(work, proved, grant)
    )
    work.sessions.bury(*opened.ended)
    return opened


def prove_password(work: Services, login_name: str, password: str) -> Proved:
    """The account of the credentials; the password is verified once, whether or not there is an account.

    A guess is judged, and counted, while it holds its turn to hash: a thousand at once are no more than the turns.

    Raises:
        errors.Problem: 401, alike for whatever is wrong; 429 after too many wrong ones; 503 when too many wait.
    """
    name = schemas.canonical(login_name)
    with work.passwords.turn() as turn:
        user, guarded = _find(work, name)
        form = turn.form(user.password_hash if user else None, password)
        if user is None or form is None or not user.is_active:
            _refuse(work, guarded, user)
        outdated = work.passwords.is_outdated(user.password_hash, form)
        return Proved(user, guarded, turn.hash(password) if outdated else None)


def proved_before(work: Services, user_id: UUID) -> Proved | None:
    """The account whose password was proved a moment ago; None where it is gone or disabled."""
    with work.database.connection() as conn:
        user = queries.by_id(conn, user_id)
        if user is None or not user.is_active:
            return None
        guarded = throttle.account(
            conn,
            work.password_keys,
            Kind.PASSWORD,
            login=user.email,
            address=request.remote_addr,
            now=work.clock(),
        )
    return Proved(user, guarded, None)


def _find(work: Services, name: str) -> tuple[User | None, Guarded]:
    try:
        with work.database.connection() as conn:
            guarded = proofs.guard(conn, work, Kind.PASSWORD, name)
            return queries.by_email(conn, name), guarded
    except errors.Problem:
        with work.database.connection() as conn:
            audit.record(conn, Event.LOGIN_THROTTLED)
        raise


def _refuse(work: Services, guarded: Guarded, user: User | None) -> NoReturn:
    with work.database.connection() as conn:
        throttle.failed(conn, guarded, work.clock())
        audit.record(conn, Event.LOGIN_REFUSED, target=None if user is None else str(user.id))
    raise errors.Problem(401, "Invalid credentials", code="invalid-credentials")


def with_password(work: Services, proved: Proved, grant: Grant) -> Opened:
    """A session for an account for which the password suffices."""
    with work.database.connection() as conn:
        throttle.forget(conn, proved.guarded)
        return open_session(work, conn, proved.user, grant=grant, new_hash=proved.new_hash)


def with_second_factor(
    work: Services,
    proved: Proved,
    code: str | None,
    assertion: AssertionIn | None,
    grant: Grant,
) -> Opened:
    """A session for an account that needs a second factor.

    Raises:
        errors.Problem: 403 with `requires2FA: true`, and what a passkey must sign where there is one; 429 after too
            many wrong ones.
    """
    user, now = proved.user, work.clock()
    with work.database.connection() as conn:
        # One guess after the other, so that none is made before the last one is counted.
        two_factor.lock(conn, user.id)
        guarded = proofs.guard(conn, work, Kind.SECOND_FACTOR, user.email)
        taken = _take(work, conn, user, code, assertion)
        if taken:
            throttle.forget(conn, guarded)
            throttle.forget(conn, proved.guarded)
            two_factor.end_login(conn, user.id, address())
            if taken is Taken.RECOVERY:
                factors.tell_of_recovery(conn, user.id, user.email, now)
            return open_session(work, conn, user, grant=grant, new_hash=proved.new_hash)
        two_factor.begin_login(conn, user.id, address(), user_agent(), now)
        challenge = ceremonies.second_factor(work, conn, user.id, now)
        if code is not None or assertion is not None:
            throttle.failed(conn, guarded, now)
            audit.record(conn, Event.SECOND_FACTOR_REFUSED, target=str(user.id))
    raise _second_factor_needed(challenge)


def _take(
    work: Services, conn: Connection, user: User, code: str | None, assertion: AssertionIn | None
) -> Taken | bool | None:
    now = work.clock()
    if code is not None:
        return factors.take(work, conn, user.id, code, now)
    return assertion is not None and ceremonies.take_second_factor(
        work, conn, user.id, assertion, now
    )


def _second_factor_needed(challenge: dict[str, Any] | None) -> errors.Problem:
    extra: dict[str, Any] = {"requires2FA": True}
    if challenge is not None:
        extra["passkey"] = challenge
    return errors.Problem(403, "two-factor code needed", code="two-factor", extra=extra)


def open_session(
    work: Services,
    conn: Connection,
    user: User,
    *,
    grant: Grant,
    new_hash: str | None = None,
    event: Event = Event.LOGIN,
) -> Opened:
    """Open a session in the caller's transaction; call `work.sessions.bury(*opened.ended)` after its commit."""
    now = work.clock()
    if event is Event.LOGIN:
        # It takes the account's row: two logins at once must not both think that there is room.
        queries.logged_in(conn, user.id, now, new_hash)
    ended = sessions.make_room(conn, user.id, now)
    session_id = sessions.open_session(
        conn,
        user.id,
        now,
        work.settings,
        user_agent=user_agent(),
        ip_address=request.remote_addr,
    )
    answer = {"user": user, **grant(work, conn, user.id, session_id)}
    audit.record(conn, event, actor_id=user.id)
    return Opened(answer, ended)


def tokens(
    work: Services,
    conn: Connection,
    user_id: UUID,
    session_id: UUID,
    refresh_token: str | None = None,
) -> dict[str, str]:
    """A new pair of tokens of a session; with `refresh_token` where that one is to be used from now on."""
    return {
        "access_token": access_tokens.issue(user_id, session_id),
        "refresh_token": refresh_token
        or sessions.issue_refresh_token(conn, session_id, work.clock(), work.settings),
    }


def user_agent() -> str | None:
    """The client's `User-Agent`."""
    return (request.user_agent.string or "")[:_USER_AGENT_LENGTH] or None


def address() -> str:
    """The address that the request comes from; empty for a client without one, as on a Unix socket."""
    return request.remote_addr or "0.0.0.0"  # noqa: S104 - nothing listens there  # nosec B104
