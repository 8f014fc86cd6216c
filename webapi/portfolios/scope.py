"""Connections limited to one user's rows, and the lookups that a portfolio's routes begin with."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from uuid import UUID

from flask import Response
from psycopg import Connection, Cursor

from coinsphere.db.owner import act_for
from coinsphere.portfolio import portfolios
from coinsphere.portfolio.portfolios import Portfolio
from webapi.backends.cache import Page
from webapi.http import errors, json, pages, paths
from webapi.security import access
from webapi.services import services

WHAT = "portfolio"


def user_id() -> UUID:
    """The caller's id."""
    return access.principal().user_id


@contextmanager
def connection(owner: UUID | None = None) -> Iterator[Connection]:
    """A transaction that acts for `owner`, by default the caller; row-level security is the second line of defence."""
    with services().database.connection() as conn:
        # For who sent the request it acts from its beginning.
        if owner is not None:
            act_for(conn, owner)
        yield conn


def reading() -> AbstractContextManager[Connection]:
    """A connection for `asking`, and behind it for prices and rates, which are nobody's own."""
    return services().database.reading()


def asking(conn: Connection) -> AbstractContextManager[None]:
    """A pipeline that acts for the caller: no statement waits for the one before, so fetch answers behind it."""
    return services().database.asking(conn)


def find(conn: Connection, portfolio_id: str) -> Portfolio:
    """A portfolio of the caller. Raises `errors.Problem` with status 404."""
    return taken(portfolios.ask(conn, user_id(), paths.uuid(portfolio_id, WHAT)))


def taken(asked: Cursor[Portfolio]) -> Portfolio:
    """The portfolio of a statement that was sent. Raises `errors.Problem` with status 404."""
    portfolio = asked.fetchone()
    if portfolio is None:
        raise errors.not_found(WHAT)
    return portfolio


def tagged(answer: object) -> Response:
    """`answer` with a strong entity tag of its bytes; 304 for a client that has them. Kept in no shared cache."""
    return pages.tagged(Page.of(json.dumps(answer)))
