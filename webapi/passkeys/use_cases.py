"""What users do with passkeys: register, remove, and log in with one."""

from dataclasses import dataclass
from typing import Any

from flask import request

from coinsphere.audit.events import Event
from coinsphere.notify import account_mails
from webapi import mails
from webapi.auth import logins, proofs
from webapi.auth import queries as accounts
from webapi.auth.logins import Grant, Opened
from webapi.http import errors, paths
from webapi.passkeys import ceremonies, queries, schemas
from webapi.passkeys.ceremonies import PasskeyRefused
from webapi.passkeys.queries import Passkey
from webapi.security import access, audit, sessions
from webapi.services import Services
from webapi.two_factor import factors
from webapi.two_factor import queries as second_factors


@dataclass(frozen=True, slots=True)
class Added:
    """A new passkey; with the account's first second factor also recovery codes, which are shown once."""

    passkey: Passkey
    codes: list[str] | None


def registration(work: Services) -> dict[str, Any]:
    """The options for a new passkey; the caller must have passed a step-up."""
    user = proofs.caller(work)
    with work.database.connection() as conn:
        return ceremonies.registration(work, conn, user, work.clock())


def add(work: Services, body: schemas.RegistrationIn) -> Added:
    """Add a passkey; other sessions end. The caller must have passed a step-up.

    Raises:
        errors.Problem: 400, the answer is not good or too late; 409, there are too many, or it is known.
    """
    user = proofs.caller(work)
    now = work.clock()
    with work.database.connection() as conn:
        second_factors.lock(conn, user.id)
        if len(queries.all_of(conn, user.id)) >= queries.MOST:
            raise errors.Problem(409, f"at most {queries.MOST} passkeys", code="too-many")
        try:
            new = ceremonies.finish_registration(work, conn, user.id, body, now)
        except PasskeyRefused:
            raise _refused() from None
        passkey_id = queries.add(conn, user.id, new, now)
        if passkey_id is None:
            raise errors.Problem(409, "the passkey is known already", code="known-already")
        second_factors.mark(conn, user.id)
        first = not user.two_factor_enabled
        recovery_codes = factors.issue_codes(conn, user.id, now) if first else None
        ended = sessions.end_others(conn, user.id, access.principal().session_id, "two_factor", now)
        added = next(each for each in queries.all_of(conn, user.id) if each.id == passkey_id)
        message = account_mails.second_factor_added("A passkey", request.remote_addr, now)
        mails.send(conn, user.email, message, user.id)
        audit.record(conn, Event.PASSKEY_ADDED, actor_id=user.id, target=str(passkey_id))
    work.sessions.bury(*ended)
    return Added(added, recovery_codes)


def remove(work: Services, passkey_id: str) -> None:
    """Remove a passkey; other sessions end. The caller must have passed a step-up.

    Raises:
        errors.Problem: 404, there is none of that id.
    """
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


def asked_for_login(work: Services) -> dict[str, Any]:
    """The options for a login by passkey; they are the same for everybody, as the passkey says who it is."""
    with work.database.connection() as conn:
        return ceremonies.login(work, conn, work.clock())


def log_in(work: Services, body: schemas.AssertionIn, grant: Grant) -> Opened:
    """Open a session by a passkey alone, which must have verified its user.

    Raises:
        errors.Problem: 401, alike for whatever is wrong.
    """
    with work.database.connection() as conn:
        try:
            user_id = ceremonies.finish_login(work, conn, body, work.clock())
        except PasskeyRefused:
            user_id = None
        user = None if user_id is None else accounts.by_id(conn, user_id)
        if user is not None and user.is_active:
            opened = logins.open_session(work, conn, user, grant=grant)
        else:
            opened = None
            audit.record(conn, Event.LOGIN_REFUSED, target=None if user is None else str(user.id))
    if opened is None:
        raise errors.Problem(401, "Invalid credentials", code="invalid-credentials")
    work.sessions.bury(*opened.ended)
    return opened


def _refused() -> errors.Problem:
    return errors.invalid(
        [{"path": "credential", "message": "is not good, or comes too late", "code": "passkey"}]
    )
