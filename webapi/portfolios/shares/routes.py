"""Links by which others see a portfolio."""

from typing import Any

from apiflask import APIBlueprint

from coinsphere.portfolio import sharing
from coinsphere.security.audit_events import Event
from webapi.http import errors, paths
from webapi.http.schema import Message
from webapi.portfolios import scope
from webapi.portfolios.shares import schemas
from webapi.security import audit
from webapi.security.access import signed_in
from webapi.services import services

_SHARE = "share"

blueprint = APIBlueprint("portfolio_shares", __name__, tag="Portfolios")


@blueprint.post("/<portfolio_id>/shares")
@signed_in
@blueprint.input(schemas.ShareIn)
@blueprint.output(schemas.OneShareOut, 201)
def add_share(portfolio_id: str, json_data: schemas.ShareIn) -> dict[str, Any]:
    """Make a link by which anybody sees a portfolio. Its secret is shown this once."""
    work = services()
    if json_data.expires_at is not None and json_data.expires_at <= work.clock():
        raise errors.invalid(
            [{"path": "expiresAt", "message": "must lie in the future", "code": "value_error"}]
        )
    with scope.connection() as conn:
        found = scope.find(conn, portfolio_id)
        share, secret = sharing.add(
            conn, scope.user_id(), found.id,
            hides_amounts=json_data.hides_amounts, expires_at=json_data.expires_at,
        )  # fmt: skip
        audit.record(
            conn,
            Event.PORTFOLIO_SHARED,
            actor_id=scope.user_id(),
            target=str(share.id),
            details={"portfolio": str(found.id), "hides_amounts": share.hides_amounts},
        )
    shown = schemas.ShareOut.model_validate(share).model_dump()
    return {
        "share": {**shown, "secret": secret, "url": f"{work.settings.pages_url}/shared/{secret}"}
    }


@blueprint.get("/<portfolio_id>/shares")
@signed_in
@blueprint.output(schemas.SharesOut)
def list_shares(portfolio_id: str) -> dict[str, Any]:
    """The links of a portfolio, without their secrets."""
    with scope.connection() as conn:
        found = scope.find(conn, portfolio_id)
        return {"shares": sharing.list_for(conn, scope.user_id(), found.id)}


@blueprint.delete("/<portfolio_id>/shares/<share_id>")
@signed_in
@blueprint.output(Message, example={"message": "Link revoked"})
def revoke_share(portfolio_id: str, share_id: str) -> dict[str, str]:
    """End a link at once."""
    with scope.connection() as conn:
        found = scope.find(conn, portfolio_id)
        identity = paths.uuid(share_id, _SHARE)
        if not sharing.revoke(conn, scope.user_id(), found.id, identity, services().clock()):
            raise errors.not_found(_SHARE)
        audit.record(
            conn,
            Event.PORTFOLIO_SHARE_REVOKED,
            actor_id=scope.user_id(),
            target=str(identity),
            details={"portfolio": str(found.id)},
        )
    return {"message": "Link revoked"}
