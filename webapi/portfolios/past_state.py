"""What a portfolio was believed to hold and to be worth at a past instant."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from coinsphere.portfolio.lots import books_known
from coinsphere.portfolio.model import Position
from coinsphere.portfolio.portfolios import Portfolio
from coinsphere.portfolio.valuation import current_holdings, holdings_known, values_known
from coinsphere.portfolio.valuation.current_holdings import Holding
from webapi.http import errors
from webapi.portfolios import overview, queries, scope
from webapi.services import services

MOST_FACTS = 20_000
"""Books are made anew for each answer; those of more facts would take seconds."""
_COMPUTED = "what was held then is computed for this answer"
_NOT_KEPT = {
    "defi": "what wallets had in protocols is not kept by moment",
    "netWorth": "what wallets had in protocols is not kept by moment",
    "valuedAt": _COMPUTED,
    "holdings.id": _COMPUTED,
    "holdings.createdAt": _COMPUTED,
    "holdings.updatedAt": _COMPUTED,
}


def require_bookable(conn: Connection, owner: UUID, as_of: datetime) -> None:
    """Raise `errors.Problem` with status 400 where there were too many facts to book at once."""
    if books_known.facts(conn, owner, as_of) > MOST_FACTS:
        message = f"with more than {MOST_FACTS} transactions a past state is not computed"
        raise errors.invalid([{"path": "asOf", "message": message, "code": "too_many"}])


def holdings(
    conn: Connection,
    found: Portfolio,
    positions: Mapping[UUID, Position],
    currency: str,
    as_of: datetime,
) -> list[Holding]:
    """What a portfolio held at `as_of`, or holds now where that lies ahead, in `currency`.

    Args:
        conn: within a transaction.
        found: the portfolio.
        positions: its last ones by token, booked from what was known at `as_of`.
        currency: that amounts are shown in.
        as_of: the moment; prices and rates are those that were known by then.
    """
    moment = min(as_of, services().clock())
    rows = holdings_known.rows(conn, positions, moment, as_of)
    return queries.valued(conn, rows, [found], currency, as_of)[found.id]


def portfolio(
    conn: Connection, found: Portfolio, asked: str | None, as_of: datetime
) -> dict[str, Any]:
    """A portfolio as it was believed to be, as `PortfolioOut` takes it; what a person decides of it is that of now.

    Raises:
        errors.Problem: 400: there is no such currency, or there are too many facts to book at once.
    """
    owner, currency = scope.user_id(), queries.shown_currency(conn, asked, found.currency)
    require_bookable(conn, owner, as_of)
    positions = values_known.held(conn, owner, found.id, as_of)
    held = holdings(conn, found, positions, currency, as_of)
    totals = current_holdings.totals(held)
    return overview.shown(conn, found, held, totals, currency, as_of) | {
        "transactionCount": books_known.facts(conn, owner, as_of, found.id),
        "isPending": False,
        "valuedAt": None,
        "defi": None,
        "netWorth": None,
        "notKept": [{"field": field, "reason": why} for field, why in _NOT_KEPT.items()],
    }
