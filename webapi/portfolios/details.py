"""A portfolio with all its parts, whose statements are sent together and read at the end."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from psycopg import Connection, Cursor

from coinsphere.defi import repository
from coinsphere.defi.repository import StoredPosition
from coinsphere.portfolio.portfolios import Portfolio
from coinsphere.portfolio.valuation import current_holdings
from coinsphere.portfolio.valuation.current_holdings import Row
from webapi.defi import net_worth
from webapi.portfolios import overview, queries


@dataclass(frozen=True, slots=True)
class Parts:
    """Statements for a portfolio's parts; in a pipeline their answers have not been read yet."""

    held: Cursor[Row]
    positions: Cursor[StoredPosition]


def ask(conn: Connection, owner: UUID, portfolio_id: UUID) -> Parts:
    """Send the statements for a portfolio's holdings and positions in protocols."""
    return Parts(
        current_holdings.ask(conn, owner, portfolio_id),
        repository.ask_open_positions(conn, owner),
    )


def shown(
    conn: Connection, portfolio: Portfolio, parts: Parts, asked: str | None = None
) -> dict[str, Any]:
    """The portfolio in the currency asked for, else in its own.

    Raises:
        errors.Problem: 400, there is no such currency.
    """
    currency = queries.shown_currency(conn, asked, portfolio.currency)
    holdings = queries.valued(conn, parts.held.fetchall(), [portfolio], currency)[portfolio.id]
    totals = current_holdings.totals(holdings)
    portrayed = overview.shown(conn, portfolio, holdings, totals, currency)
    positions = parts.positions.fetchall()
    as_shown = portfolio if asked is None else replace(portfolio, currency=currency)
    worth = net_worth.beside(conn, positions, [as_shown], [totals])
    return portrayed | worth[portfolio.id]
