"""One's data: all of it to take away, or to have deleted."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import ConfigDict

from coinsphere.db.owner import Scope
from coinsphere.notify import account_mails
from coinsphere.security.audit_events import Event
from webapi import mails
from webapi.account import export, schemas
from webapi.auth import proofs, queries
from webapi.http import errors, json
from webapi.http.schema import Message, Output
from webapi.security import access, audit, limits, sessions, step_up
from webapi.security.access import signed_in
from webapi.services import services

data = APIBlueprint("data", __name__, tag="Account")


class ExportOut(Output):
    """All rows of the account by table; see the guide of accounts."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "exportedAt": "2026-11-24T08:00:00Z",
                "users": [{"email": "ada@example.com"}],
            }
        },
    )


@data.get("/export")
@signed_in
@step_up.step_up
@limits.auth
@data.output(ExportOut)
def export_data() -> Response:
    """Everything that is stored of one's account, as one JSON document; needs a recent login."""
    work = services()
    caller = access.principal()
    with work.database.connection() as conn:
        found: dict[str, Any] = export.of(conn, caller.user_id)
        audit.record(conn, Event.ACCOUNT_EXPORTED, actor_id=caller.user_id)
    answer = Response(
        json.dumps({"exportedAt": work.clock(), **found}), mimetype="application/json"
    )
    answer.headers["Content-Disposition"] = 'attachment; filename="coinsphere.json"'
    return answer


@data.post("/delete")
@signed_in
@limits.auth
@data.input(schemas.DeleteIn)
@data.output(Message, example={"message": "Account deleted"})
def delete_account(json_data: schemas.DeleteIn) -> dict[str, str]:
    """Delete one's account and all that belongs to it, at once and for good.

    What was paid stays in the books, without a name.
    """
    work = services()
    user = proofs.caller(work)
    proofs.require_password(work, user, json_data.password, "password")
    if user.two_factor_enabled:
        if json_data.two_factor_token is None:
            raise errors.Problem(
                403, "two-factor code needed", code="two-factor", extra={"requires2FA": True}
            )
        proofs.require_code(work, user, json_data.two_factor_token, "twoFactorToken")
    now = work.clock()
    with work.database.connection_as(Scope.AUTHENTICATION) as conn:
        ended = sessions.end_others(conn, user.id, None, "logout_all", now)
        queries.delete(conn, user.id)
        mails.send(conn, user.email, account_mails.account_deleted(now), None)
        audit.record(conn, Event.ACCOUNT_DELETED, actor_id=user.id)
    work.sessions.bury(*ended)
    return {"message": "Account deleted"}
