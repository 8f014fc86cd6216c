"""What users do with their watchlist."""

from psycopg import Connection

from webapi.http import errors
from webapi.security import access
from webapi.services import services
from webapi.tokens import symbols
from webapi.tokens.queries import Token
from webapi.watchlist import queries


def watch(conn: Connection, symbol: str) -> Token:
    """Put a token on the caller's list, once; it is told.

    Raises:
        errors.Problem: 404 for a symbol that no token has; 409 where the list is full.
    """
    token = symbols.find(conn, symbol)
    if not queries.add(conn, access.principal().user_id, token.id, services().clock()):
        raise errors.Problem(
            409, f"nobody may watch more than {queries.MOST} tokens", code="watchlist-full"
        )
    return token


def unwatch(conn: Connection, symbol: str) -> Token:
    """Take a token off the list, if it is on it; it is told. Raises `errors.Problem` with status 404."""
    token = symbols.find(conn, symbol)
    queries.remove(conn, access.principal().user_id, token.id)
    return token
