"""Links by which others see a portfolio."""

from typing import Any

from apiflask import APIBlueprint

from coinsphere.portfolio import sharing
from webapi.http.schema import Message
from webapi.portfolios import scope
from webapi.portfolios.shares import schemas, use_cases
from webapi.security.access import signed_in

blueprint = APIBlueprint("portfolio_shares", __name__, tag="Portfolios")


@blueprint.post("/<portfolio_id>/shares")
@signed_in
@blueprint.input(schemas.ShareIn)
@blueprint.output(schemas.OneShareOut, 201)
def add_share(portfolio_id: str, json_data: schemas.ShareIn) -> dict[str, Any]:
    """Make a link by which anybody sees a portfolio. Its secret is shown this once."""
    with scope.connection() as conn:
        share, secret = use_cases.add(conn, portfolio_id, json_data)
    shown = schemas.ShareOut.model_validate(share).model_dump()
    return {"share": {**shown, "secret": secret, "url": use_cases.address(secret)}}


@blueprint.get("/<portfolio_id>/shares")
@signed_in
@blueprint.output(schemas.SharesOut)
def list_shares(portfolio_id: str) -> dict[str, Any]:
    """The links of a portfolio, without their secrets."""
    with scope.connection() as conn:
        portfolio = scope.find(conn, portfolio_id)
        return {"shares": sharing.list_for(conn, scope.user_id(), portfolio.id)}


@blueprint.delete("/<portfolio_id>/shares/<share_id>")
@signed_in
@blueprint.output(Message, example={"message": "Link revoked"})
def revoke_share(portfolio_id: str, share_id: str) -> dict[str, str]:
    """End a link at once."""
    with scope.connection() as conn:
        use_cases.revoke(conn, portfolio_id, share_id)
    return {"message": "Link revoked"}
