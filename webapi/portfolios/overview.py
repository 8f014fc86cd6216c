"""All portfolios of a user at once, and sums over them."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from coinsphere.defi import repository
from coinsphere.portfolio import portfolios
from coinsphere.portfolio.portfolios import Portfolio
from coinsphere.portfolio.valuation import current_holdings
from coinsphere.portfolio.valuation.current_holdings import Holding, Totals
from webapi.defi import net_worth
from webapi.portfolios import answers, queries


def portfolios_with_totals(
    conn: Connection, owner: UUID, asked: str | None, *, summed_in: str | None = None
) -> dict[str, Any]:
    """Portfolios with what they hold, the oldest first, and sums over them, as `PortfoliosOut` takes it.

    Args:
        conn: a transaction that acts for `owner`.
        owner: the user.
        asked: the currency of all amounts; None: each portfolio in its own, sums in the common one, else US dollars.
        summed_in: the currency of sums where none is asked for.

    Raises:
        errors.Problem: 400, there is no such currency.
    """
    currency = None if asked is None else queries.currency(conn, asked)
    own = portfolios.list_for(conn, owner)
    holdings = queries.holdings(conn, owner, own, shown=currency) if own else {}
    totals = in_own = [current_holdings.totals(holdings[portfolio.id]) for portfolio in own]
    as_shown = [replace(portfolio, currency=currency or portfolio.currency) for portfolio in own]
    positions = repository.open_positions(conn, owner)
    worths = in_common = net_worth.beside(conn, positions, as_shown, totals)
    common = queries.common_currency(currency or summed_in, own)
    summed = [replace(portfolio, currency=common) for portfolio in own]
    if summed != as_shown:
        converted = queries.holdings(conn, owner, own, shown=common)
        totals = [current_holdings.totals(converted[portfolio.id]) for portfolio in own]
        in_common = net_worth.beside(conn, positions, summed, totals)
    portrayed = [
        shown(conn, portfolio, holdings[portfolio.id], own_totals, currency or portfolio.currency)
        | worths[portfolio.id]
        for portfolio, own_totals in zip(own, in_own, strict=True)
    ]
    return {
        "portfolios": portrayed,
        "count": len(own),
        "currency": common,
        "netWorth": net_worth.total(in_common),
        "notKept": [],
        **queries.over_all(own, totals),
    }


def shown(  # noqa: PLR0917 - whose, what of it, and of when
    conn: Connection,
    portfolio: Portfolio,
    holdings: list[Holding],
    totals: Totals,
    currency: str,
    as_of: datetime | None = None,
) -> dict[str, Any]:
    """A portfolio in `currency`, with the day of the exchange rate where that is not its own."""
    portrayed = answers.portfolio(portfolio, holdings, totals)
    rate_date = queries.rate_date(conn, portfolio, currency, as_of)
    return {**portrayed, "displayCurrency": currency, "rateDate": rate_date}
