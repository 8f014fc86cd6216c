"""Tokens as administrators see them: listed, edited, deactivated, deleted. Their ids name them, as a symbol may occur twice."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from psycopg import Connection

from coinsphere.market import listing
from coinsphere.market.listing import Listing
from coinsphere.security.audit_events import Event
from webapi.admin.tokens import schemas
from webapi.http import cursor, errors, paths
from webapi.security import access, audit
from webapi.security.access import admin
from webapi.services import services
from webapi.tokens import shown

blueprint = APIBlueprint("token_administration", __name__, tag="Administration")

_TOKEN = "token"  # noqa: S105  a coin


@blueprint.get("")
@admin
@blueprint.input(schemas.ListQuery, location="query")
@blueprint.output(schemas.ListingsOut)
def list_listings(query_data: schemas.ListQuery) -> dict[str, Any]:
    """All tokens by symbol, deactivated ones too."""
    after = None if query_data.cursor is None else _after(query_data.cursor)
    with services().database.connection() as conn:
        found = listing.listed(
            conn,
            query_data.limit + 1,
            text=query_data.q or None,
            is_active=query_data.active,
            after=after,
        )
    page = found[: query_data.limit]
    more = len(found) > len(page)
    return {
        "tokens": page,
        "next_cursor": cursor.encode([page[-1].symbol, str(page[-1].id)]) if more else None,
    }


@blueprint.get("/<token_id>")
@admin
@blueprint.output(schemas.OneListingOut)
def get_listing(token_id: str) -> dict[str, Any]:
    """One token, and what refers to it."""
    with services().database.connection() as conn:
        token = _token(conn, token_id)
        return {"token": token, "uses": listing.uses(conn, token.id)}


@blueprint.patch("/<token_id>")
@admin
@blueprint.input(schemas.TokenChange)
@blueprint.output(schemas.ChangedOut)
def change_listing(token_id: str, json_data: schemas.TokenChange) -> dict[str, Any]:
    """Edit a token, deactivate it, or activate it again.

    Answers 409 where the contract on its chain, or the CoinGecko id, belongs to another.
    """
    wanted = paths.uuid(token_id, _TOKEN)
    with services().database.connection() as conn:
        try:
            done = listing.change(conn, wanted, json_data.model_dump(exclude_unset=True))
        except listing.Taken:
            raise errors.token_taken() from None
        if done is None:
            raise errors.not_found(_TOKEN)
        _tell(conn, Event.TOKEN_CHANGED, done[1], listing.differences(*done))
    for token in done:
        shown.forget(token.symbol)
    return {"token": done[1]}


@blueprint.delete("/<token_id>")
@admin
@blueprint.output(schemas.DeletedOut)
def delete_listing(token_id: str) -> dict[str, str]:
    """Delete a token that nothing refers to, with its quote and metadata.

    Answers 409 with `uses` where something does: deactivate it instead.
    """
    with services().database.connection() as conn:
        token = _token(conn, token_id)
        try:
            if not listing.delete(conn, token.id):
                raise errors.not_found(_TOKEN)
        except listing.Used as used:
            raise _in_use(token, used) from None
        _tell(conn, Event.TOKEN_DELETED, token, {})
    shown.forget(token.symbol)
    return {"message": f"{token.symbol} deleted"}


def _token(conn: Connection, token_id: str) -> Listing:
    found = listing.get(conn, paths.uuid(token_id, _TOKEN))
    if found is None:
        raise errors.not_found(_TOKEN)
    return found


def _tell(conn: Connection, event: Event, token: Listing, changes: dict[str, str]) -> None:
    audit.record(
        conn,
        event,
        actor_id=access.principal().user_id,
        target=str(token.id),
        details={"symbol": token.symbol, **changes},
    )


def _in_use(token: Listing, used: listing.Used) -> errors.Problem:
    return errors.Problem(
        409,
        f"{token.symbol} cannot be deleted, {used}; it can be deactivated",
        code="token-used",
        extra={"uses": [{"usedBy": use.used_by, "rows": use.rows} for use in used.uses]},
    )


def _after(text: str) -> tuple[str, UUID]:
    symbol, token_id = cursor.decode(text, 2)
    try:
        return str(symbol), UUID(str(token_id))
    except ValueError:
        raise cursor.refused() from None
