"""Tokens as administrators see them: listed, edited, deactivated, deleted. Their ids name them, as a symbol may occur twice."""

from typing import Any

from apiflask import APIBlueprint

from coinsphere.market.reference import listing
from webapi.admin.tokens import schemas, use_cases
from webapi.security.access import admin
from webapi.services import services

blueprint = APIBlueprint("token_administration", __name__, tag="Administration")


@blueprint.get("")
@admin
@blueprint.input(schemas.ListQuery, location="query")
@blueprint.output(schemas.ListingsOut)
def list_listings(query_data: schemas.ListQuery) -> dict[str, Any]:
    """All tokens by symbol, deactivated ones too."""
    with services().database.connection() as conn:
        page, following = use_cases.listed(conn, query_data)
    return {"tokens": page, "next_cursor": following}


@blueprint.get("/<token_id>")
@admin
@blueprint.output(schemas.OneListingOut)
def get_listing(token_id: str) -> dict[str, Any]:
    """One token, and what refers to it."""
    with services().database.connection() as conn:
        token = use_cases.find(conn, token_id)
        return {"token": token, "uses": listing.uses(conn, token.id)}


@blueprint.patch("/<token_id>")
@admin
@blueprint.input(schemas.TokenChange)
@blueprint.output(schemas.ChangedOut)
def change_listing(token_id: str, json_data: schemas.TokenChange) -> dict[str, Any]:
    """Edit a token, deactivate it, or activate it again.

    Answers 409 where the contract on its chain, or the CoinGecko id, belongs to another.
    """
    return {"token": use_cases.change(token_id, json_data)}


@blueprint.delete("/<token_id>")
@admin
@blueprint.output(schemas.DeletedOut)
def delete_listing(token_id: str) -> dict[str, str]:
    """Delete a token that nothing refers to, with its quote and metadata.

    Answers 409 with `uses` where something does: deactivate it instead.
    """
    return {"message": f"{use_cases.delete(token_id).symbol} deleted"}
