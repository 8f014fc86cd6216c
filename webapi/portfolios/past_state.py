"""A portfolio's holdings and value as known at a past instant."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from coinsphere.portfolio import portfolios as stored
from coinsphere.portfolio.lots import books_known
from coinsphere.portfolio.model import Position
from coinsphere.portfolio.portfolios import Portfolio
from coinsphere.portfolio.valuation import current_holdings, holdings_known, values_known
from coinsphere.portfolio.valuation.current_holdings import Holding
from webapi.http import errors
from webapi.portfolios import answers, overview, queries, scope
from webapi.services import services

MOST_FACTS = 20_000
"""Books are made anew for each answer; those of more facts would take seconds."""
_COMPUTED = "what was held then is computed for this answer"
_OF_WALLETS = "what wallets had in protocols is not kept by moment"
_HOLDINGS_NOT_KEPT = {
    "holdings.id": _COMPUTED,
    "holdings.createdAt": _COMPUTED,
    "holdings.updatedAt": _COMPUTED,
}
_SUMS_NOT_KEPT = {"netWorth": _OF_WALLETS}
_NOT_KEPT = {
    "defi": _OF_WALLETS,
    **_SUMS_NOT_KEPT,
    "valuedAt": _COMPUTED,
    **_HOLDINGS_NOT_KEPT,
}
_Positions = Mapping[UUID, Position]


def require_bookable(conn: Connection, owner: UUID, as_of: datetime) -> None:
    """Raise `errors.Problem` with status 400 where there were too many facts to book at once."""
    if books_known.facts(conn, owner, as_of) > MOST_FACTS:
        message = f"with more than {MOST_FACTS} transactions a past state is not computed"
        raise errors.invalid([{"path": "asOf", "message": message, "code": "too_many"}])


def holdings(
    conn: Connection,
    stored: Portfolio,
    positions: _Positions,
    currency: str,
    as_of: datetime,
) -> list[Holding]:
    """A portfolio's holdings at `as_of`, or now where that lies ahead, in `currency`.

    Args:
        conn: within a transaction.
        stored: the portfolio.
        positions: its last ones by token, booked from what was known at `as_of`.
        currency: that amounts are shown in.
        as_of: the moment; prices and rates are those that were known by then.
    """
    moment = min(as_of, services().clock())
    rows = holdings_known.rows(conn, positions, moment, as_of)
    return queries.valued(conn, rows, [stored], currency, as_of)[stored.id]


def portfolio(
    conn: Connection, stored: Portfolio, asked: str | None, as_of: datetime
) -> dict[str, Any]:
    """A portfolio as known then, as `PortfolioOut` takes it; its settings are those of now.

    Raises:
        errors.Problem: 400: there is no such currency, or there are too many facts to book at once.
    """
    currency = queries.shown_currency(conn, asked, stored.currency)
    return _shown(conn, stored, _held(conn, as_of).get(stored.id, {}), currency, as_of)


def portfolios(conn: Connection, asked: str | None, as_of: datetime) -> dict[str, Any]:
    """One's portfolios of now as they were believed to be, and sums over them, as `PortfoliosOut` takes it.

    Raises:
        errors.Problem: as `portfolio`.
    """
    currency = None if asked is None else queries.currency(conn, asked)
    held = _held(conn, as_of)
    own = stored.list_for(conn, scope.user_id())
    common = queries.common_currency(currency, own)
    totals = [
        current_holdings.totals(holdings(conn, each, held.get(each.id, {}), common, as_of))
        for each in own
    ]
    portrayed = [
        _shown(conn, each, held.get(each.id, {}), currency or each.currency, as_of) for each in own
    ]
    return {
        "portfolios": portrayed,
        "count": len(own),
        "currency": common,
        "netWorth": None,
        "notKept": _listed(_SUMS_NOT_KEPT),
        **queries.over_all(own, totals),
    }


def held_in(
    conn: Connection, found: Portfolio, asked: str | None, as_of: datetime
) -> dict[str, Any]:
    """What a portfolio was believed to hold, as `HoldingsOut` takes it.

    Raises:
        errors.Problem: as `portfolio`.
    """
    currency = queries.shown_currency(conn, asked, found.currency)
    rows = holdings(conn, found, _held(conn, as_of).get(found.id, {}), currency, as_of)
    return answers.holdings(rows) | {"notKept": _listed(_HOLDINGS_NOT_KEPT)}


def _held(conn: Connection, as_of: datetime) -> Mapping[UUID, _Positions]:
    """The last positions of each portfolio, by token."""
    require_bookable(conn, scope.user_id(), as_of)
    return values_known.held(conn, scope.user_id(), as_of)


def _shown(
    conn: Connection, found: Portfolio, positions: _Positions, currency: str, as_of: datetime
) -> dict[str, Any]:
    held = holdings(conn, found, positions, currency, as_of)
    totals = current_holdings.totals(held)
    return overview.shown(conn, found, held, totals, currency, as_of) | {
        "transactionCount": books_known.facts(conn, scope.user_id(), as_of, found.id),
        "isPending": False,
        "valuedAt": None,
        "defi": None,
        "netWorth": None,
        "notKept": _listed(_NOT_KEPT),
    }


def _listed(reasons: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"field": field, "reason": why} for field, why in reasons.items()]
