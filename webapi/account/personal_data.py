"""Exports or deletes the caller's data, for routes and pages alike."""

from datetime import datetime
from typing import Any

from coinsphere.analytics import consent
from coinsphere.audit.events import Event
from coinsphere.db.owner import Scope
from coinsphere.notify import account_mails
from webapi import mails
from webapi.account import export, schemas
from webapi.auth import proofs, queries
from webapi.http import errors, json
from webapi.security import access, audit, sessions
from webapi.services import Services

FILE_NAME = "coinsphere.json"


def exported(work: Services) -> str | bytes:
    """Everything that is stored of one's account, as JSON; the caller must have been asked for a step-up."""
    user_id = access.principal().user_id
    with work.database.connection() as conn:
        document: dict[str, Any] = export.of(conn, user_id)
        audit.record(conn, Event.ACCOUNT_EXPORTED, actor_id=user_id)
    return json.dumps({"exportedAt": work.clock(), **document})


def usage_shared_since(work: Services) -> datetime | None:
    """The instant since when the caller consents to product events; None where they do not."""
    with work.database.connection() as conn:
        return consent.since(conn, access.principal().user_id)


def share_usage(work: Services, *, is_shared: bool) -> datetime | None:
    """Allow it, or take that back: then what was kept is deleted. Since when it is allowed, as above."""
    user_id = access.principal().user_id
    with work.database.connection() as conn:
        if is_shared:
            consent.give(conn, user_id, work.clock())
        else:
            consent.take_back(conn, user_id)
        audit.record(
            conn, Event.USAGE_SHARING_CHANGED, actor_id=user_id, details={"shared": is_shared}
        )
        return consent.since(conn, user_id)


def delete(work: Services, body: schemas.DeleteIn) -> None:
    """Delete the caller's account with all that belongs to it, for good; all sessions end.

    Raises:
        errors.Problem: 400, password or code is wrong; 403, a code is needed; 429 after too many wrong ones.
    """
    user = proofs.caller(work)
    proofs.require_password(work, user, body.password, "password")
    if user.two_factor_enabled:
        if body.two_factor_token is None:
            raise errors.Problem(
                403, "two-factor code needed", code="two-factor", extra={"requires2FA": True}
            )
        proofs.require_code(work, user, body.two_factor_token, "twoFactorToken")
    now = work.clock()
    with work.database.connection_as(Scope.AUTHENTICATION) as conn:
        ended = sessions.end_others(conn, user.id, None, "logout_all", now)
        queries.delete(conn, user.id)
        mails.send(conn, user.email, account_mails.account_deleted(now), None)
        audit.record(conn, Event.ACCOUNT_DELETED, actor_id=user.id)
    work.sessions.bury(*ended)
