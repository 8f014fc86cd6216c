"""Registration of an account, for every way to register."""

from psycopg import Connection

from coinsphere.analytics import recording
from coinsphere.analytics.events import Registered
from coinsphere.audit.events import Event
from coinsphere.notify import account_mails
from webapi import mails
from webapi.account import verifications
from webapi.auth import logins, queries, schemas
from webapi.auth.logins import Grant, Opened
from webapi.http import errors
from webapi.security import audit, password_rules
from webapi.services import Services


def register(work: Services, body: schemas.RegisterIn, grant: Grant) -> Opened | None:
    """Open an account and its first session, and send a link that confirms its address.

    Args:
        work: the services.
        body: who registers.
        grant: what the session's client gets.

    Returns:
        The session; None where the server conceals accounts, whether or not there was one of that address.

    Raises:
        errors.Problem: 400, the password is too easy, or the address taken where that is no secret.
    """
    names = (body.first_name, body.last_name)
    password_rules.require_unrelated(body.password, body.email, *names, path="password")
    work.breaches.refuse(body.password, "password")
    password_hash = work.passwords.hash(body.password)
    with work.database.connection() as conn:
        user = _create(work, conn, body, password_hash)
        if user is not None:
            verifications.send(work, conn, user.id, user.email)
            recording.record(conn, user.id, Registered(), work.clock())
        if work.settings.registration_conceals_accounts:
            _conceal(conn, body.email, user)
            return None
        if user is None:
            raise taken("email")
        return logins.open_session(work, conn, user, grant=grant, event=Event.REGISTERED)


def taken(path: str) -> errors.Problem:
    """400 for an address that another account has."""
    message = "an account with this address already exists"
    return errors.Problem(
        400,
        message,
        code="address-taken",
        extra={"details": [{"path": path, "message": message, "code": "taken"}]},
    )


def _create(
    work: Services, conn: Connection, body: schemas.RegisterIn, password_hash: str
) -> queries.User | None:
    return queries.create(
        conn,
        body.email,
        password_hash,
        first_name=body.first_name,
        last_name=body.last_name,
        usage_shared_since=work.clock() if body.share_usage else None,
    )


def _conceal(conn: Connection, email: str, user: queries.User | None) -> None:
    """For a taken address, do work as expensive as for a new one, and tell its owner."""
    if user is not None:
        audit.record(conn, Event.REGISTERED, actor_id=user.id)
        return
    owner = queries.by_email(conn, email)
    if owner is not None:
        mails.send(conn, owner.email, account_mails.address_taken(), owner.id)
    audit.record(conn, Event.REGISTRATION_REFUSED, target=None if owner is None else str(owner.id))
