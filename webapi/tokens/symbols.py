"""Symbols in paths and bodies."""

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from psycopg import Connection

from webapi.http import errors
from webapi.tokens import queries
from webapi.tokens.queries import Token

T = TypeVar("T")
_KNOWN_FORM = re.compile(r"[^\x00-\x20\x7f]{1,20}")


def find(conn: Connection, symbol: str) -> Token:
    """The token of a symbol, in any case. Raises `errors.Problem` with status 404."""
    # What no symbol looks like is not asked for: PostgreSQL refuses a zero byte in a text.
    token = queries.by_symbol(conn, symbol) if _KNOWN_FORM.fullmatch(symbol) else None
    if token is None:
        raise errors.token_not_found(symbol)
    return token


def find_all(conn: Connection, symbols: list[str]) -> list[tuple[str, Token | None]]:
    """Each symbol once, in upper case and in the order given, with its token or None."""
    wanted = list(dict.fromkeys(symbol.upper() for symbol in symbols))
    known = queries.by_symbols(conn, [name for name in wanted if _KNOWN_FORM.fullmatch(name)])
    return [(symbol, known.get(symbol)) for symbol in wanted]


def answer_each(
    wanted: Iterable[tuple[str, Token | None]], answer: Callable[[Token], T]
) -> tuple[list[T], list[dict[str, Any]]]:
    """The answers for tokens of `find_all`, and a failure for each symbol that has no token or no answer."""
    answers: list[T] = []
    failures: list[dict[str, Any]] = []
    for symbol, token in wanted:
        try:
            if token is None:
                raise errors.token_not_found(symbol)
            answers.append(answer(token))
        except errors.Problem as problem:
            failures.append({"symbol": symbol, "status": problem.status, "error": problem.error})
    return answers, failures
