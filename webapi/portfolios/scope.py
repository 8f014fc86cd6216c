"""Connections that see the rows of one user only, and what a portfolio's routes look up first."""

from collections.abc import Iterator
from contextlib import contextmanager
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
    """Who sent the present request."""
    return access.principal().user_id


@contextmanager
def connection(owner: UUID | None = None) -> Iterator[Connection]:
    """A transaction that acts for `owner`, by default who sent the request: row-level security is the second wall."""
    with services().database.connection() as conn:
        # For who sent the request it acts from its beginning.
        if owner is not None:
            act_for(conn, owner)
        yield conn


@contextmanager
def reading() -> Iterator[Connection]:
    """The same for who sent the request, but no statement waits for the one before: fetch what was asked at the end."""
    with services().database.reading() as conn:
        yield conn


def find(conn: Connection, portfolio_id: str) -> Portfolio:
    """A portfolio of who sent the request. Raises `errors.Problem` with status 404."""
    return taken(portfolios.ask(conn, user_id(), paths.uuid(portfolio_id, WHAT)))


def taken(asked: Cursor[Portfolio]) -> Portfolio:
    """The portfolio that was asked for. Raises `errors.Problem` with status 404."""
    found = asked.fetchone()
    if found is None:
        raise errors.not_found(WHAT)
    return found


def tagged(answer: object) -> Response:
    """`answer` with a strong entity tag of its bytes; 304 for a client that has them. Kept in no shared cache."""
    return pages.tagged(Page.of(json.dumps(answer)))
