"""Tokens in forms: suggested while somebody types, and refused at their field where nobody knows them."""

from collections.abc import Callable

from flask import request
from psycopg import Connection

from coinsphere.market.reference import tokens as reference
from webapi.http import errors
from webapi.http.errors import Problem
from webapi.tokens import queries, symbols
from webapi.tokens.queries import Token

_SUGGESTED = 200


def all_of(conn: Connection) -> list[Token]:
    """Those that a form suggests, the largest first."""
    return queries.search(conn, None, None, _SUGGESTED)


def is_known(conn: Connection, symbol: str) -> bool:
    """Whether a token has that symbol."""
    try:
        symbols.find(conn, symbol)
    except Problem:
        return False
    return True


def is_on_record(conn: Connection, which: str) -> bool:
    """Whether a token, also one that is listed no more, has that symbol or id."""
    try:
        reference.named(conn, which)
    except LookupError:
        return False
    return True


def require(
    conn: Connection, *fields: str, known: Callable[[Connection, str], bool] = is_known
) -> None:
    """Refuse, each at its field, symbols of the present form that no token has. Raises `errors.Problem`: 400."""
    unknown = [
        name
        for name in fields
        if (entered := request.form.get(name, "").strip()) and not known(conn, entered)
    ]
    if unknown:
        message = "is no token that we know"
        raise errors.invalid(
            [{"path": name, "message": message, "code": "token"} for name in unknown]
        )
