"""All portfolios of a user at once, and sums over them."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from psycopg import Connection

from coinsphere.defi import repository
from coinsphere.portfolio import portfolios
from coinsphere.portfolio.portfolios import Portfolio
from coinsphere.portfolio.valuation import current_holdings
from coinsphere.portfolio.valuation.current_holdings import Holding
from webapi.defi import net_worth
from webapi.portfolios import answers, queries


def everything(
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
    found = portfolios.list_for(conn, owner)
    held = queries.holdings(conn, owner, found, shown=currency) if found else {}
    sums = [current_holdings.totals(held[each.id]) for each in found]
    as_shown = [replace(each, currency=currency or each.currency) for each in found]
    positions = repository.open_positions(conn, owner)
    worths = in_common = net_worth.beside(conn, positions, as_shown, sums)
    common = queries.common_currency(currency or summed_in, found)
    summed = [replace(each, currency=common) for each in found]
    if summed != as_shown:
        there = queries.holdings(conn, owner, found, shown=common)
        sums = [current_holdings.totals(there[each.id]) for each in found]
        in_common = net_worth.beside(conn, positions, summed, sums)
    portrayed = [
        shown(conn, each, held[each.id], currency or each.currency) | worths[each.id]
        for each in found
    ]
    return {
        "portfolios": portrayed,
        "count": len(found),
        "currency": common,
        "netWorth": net_worth.total(in_common),
        **queries.over_all(found, sums),
    }


def shown(conn: Connection, found: Portfolio, held: list[Holding], currency: str) -> dict[str, Any]:
    """A portfolio in `currency`, with the day of the exchange rate where that is not its own."""
    portrayed = answers.portfolio(found, held, current_holdings.totals(held))
    rate_date = queries.rate_date(conn, found, currency)
    return {**portrayed, "displayCurrency": currency, "rateDate": rate_date}
