"""The watchlist: tokens that one follows without holding them."""

from typing import Any

from apiflask import APIBlueprint

from webapi.http.schema import Message
from webapi.security import access
from webapi.security.access import signed_in
from webapi.services import services
from webapi.tokens import queries as tokens
from webapi.watchlist import queries, schemas, use_cases

watchlist = APIBlueprint("watchlist", __name__, tag="Watchlist")


@watchlist.get("")
@signed_in
@watchlist.output(schemas.WatchedOut)
def list_watched() -> dict[str, Any]:
    """The tokens that one watches, with their prices; nobody watches more than 200."""
    watcher = access.principal().user_id
    with services().database.connection() as conn:
        return {"tokens": tokens.search(conn, None, None, queries.MOST, watcher=watcher)}


@watchlist.put("/<symbol>")
@signed_in
@watchlist.output(Message, example={"message": "BTC is watched"})
def watch(symbol: str) -> dict[str, str]:
    """Watch a token; said twice, it is the same as once."""
    with services().database.connection() as conn:
        return {"message": f"{use_cases.watch(conn, symbol).symbol} is watched"}


@watchlist.delete("/<symbol>")
@signed_in
@watchlist.output(Message, example={"message": "BTC is watched no more"})
def unwatch(symbol: str) -> dict[str, str]:
    """Watch a token no more."""
    with services().database.connection() as conn:
        return {"message": f"{use_cases.unwatch(conn, symbol).symbol} is watched no more"}
