"""What administrators do with tokens. A token is named by its id, as a symbol may occur twice."""

from uuid import UUID

from psycopg import Connection

from coinsphere.audit.events import Event
from coinsphere.market.reference import listing
from coinsphere.market.reference.listing import Listing
from webapi.admin.tokens import schemas
from webapi.http import cursor, errors, paths
from webapi.security import access, audit
from webapi.services import services
from webapi.tokens import cache_keys, queries
from webapi.tokens.queries import Token
from webapi.tokens.schemas import TokenIn

_TOKEN = "token"  # noqa: S105  a coin


def listed(conn: Connection, query: schemas.ListQuery) -> tuple[list[Listing], str | None]:
    """All tokens by symbol, deactivated ones too, and the cursor of the next page if there is one."""
    after = None if query.cursor is None else _after(query.cursor)
    tokens = listing.listed(
        conn, query.limit + 1, text=query.q or None, is_active=query.active, after=after
    )
    page = tokens[: query.limit]
    more = len(tokens) > len(page)
    return page, cursor.encode([page[-1].symbol, str(page[-1].id)]) if more else None


def find(conn: Connection, token_id: str) -> Listing:
    """One token. Raises `errors.Problem`: 404."""
    token = listing.get(conn, paths.uuid(token_id, _TOKEN))
    if token is None:
        raise errors.not_found(_TOKEN)
    return token


def create(wanted: TokenIn) -> Token:
    """Add a token. Raises `errors.Problem`: 409, its contract or its CoinGecko id belongs to another."""
    with services().database.connection() as conn:
        try:
            token = queries.by_id(conn, listing.add(conn, wanted.model_dump()))
        except listing.AlreadyListed:
            raise errors.token_taken() from None
        _tell(conn, Event.TOKEN_LISTED, token.id, token.symbol, {})
    cache_keys.forget(token.symbol)
    return token


def change(token_id: str, wanted: schemas.TokenChange) -> Listing:
    """Edit a token, deactivate it, or activate it again. Raises `errors.Problem`: 404; 409 as `create`."""
    with services().database.connection() as conn:
        try:
            done = listing.change(
                conn, paths.uuid(token_id, _TOKEN), wanted.model_dump(exclude_unset=True)
            )
        except listing.AlreadyListed:
            raise errors.token_taken() from None
        if done is None:
            raise errors.not_found(_TOKEN)
        after = done[1]
        _tell(conn, Event.TOKEN_CHANGED, after.id, after.symbol, listing.differences(*done))
    for token in done:
        cache_keys.forget(token.symbol)
    return after


def delete(token_id: str) -> Listing:
    """Delete a token that nothing refers to. Raises `errors.Problem`: 404; 409 with `uses` where something does."""
    with services().database.connection() as conn:
        token = find(conn, token_id)
        try:
            if not listing.delete(conn, token.id):
                raise errors.not_found(_TOKEN)
        except listing.TokenInUse as used:
            raise _in_use(token, used) from None
        _tell(conn, Event.TOKEN_DELETED, token.id, token.symbol, {})
    cache_keys.forget(token.symbol)
    return token


def _tell(
    conn: Connection, event: Event, token_id: UUID, symbol: str, changes: dict[str, str]
) -> None:
    audit.record(
        conn,
        event,
        actor_id=access.principal().user_id,
        target=str(token_id),
        details={"symbol": symbol, **changes},
    )


def _in_use(token: Listing, used: listing.TokenInUse) -> errors.Problem:
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
