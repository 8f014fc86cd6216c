"""Queries of the portfolios' routes, above `coinsphere.portfolio`."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import localcontext
from typing import Any
from uuid import UUID

from psycopg import Connection

from coinsphere.defi.valuation import known_sum
from coinsphere.portfolio.imports.statements.record import MONEY
from coinsphere.portfolio.model import EXACT, ZERO
from coinsphere.portfolio.performance import display_currency
from coinsphere.portfolio.performance.display_currency import Converter
from coinsphere.portfolio.portfolios import Portfolio
from coinsphere.portfolio.valuation import current_holdings
from coinsphere.portfolio.valuation.current_holdings import Holding, Row, Totals
from coinsphere.portfolio.valuation.daily_growth import percentage
from coinsphere.portfolio.valuation.stored_market import StoredMarket
from webapi.http import errors
from webapi.services import services
from webapi.tokens import symbols

MAX_PORTFOLIOS = 200


def holdings(
    conn: Connection,
    owner: UUID,
    portfolios: Sequence[Portfolio],
    holding_id: UUID | None = None,
    *,
    shown: str | None = None,
) -> dict[UUID, list[Holding]]:
    """The present holdings of these portfolios of one user, each in its own currency or all in `shown`."""
    only = portfolios[0].id if len(portfolios) == 1 else None
    cursor = current_holdings.ask(conn, owner, only, holding_id)
    return valued(conn, cursor.fetchall(), portfolios, shown)


def valued(
    conn: Connection,
    rows: Sequence[Row],
    portfolios: Sequence[Portfolio],
    shown: str | None,
    as_of: datetime | None = None,
) -> dict[UUID, list[Holding]]:
    """The same from rows of `current_holdings.ask`, or with `as_of` from those of `holdings_known`."""
    work = services()
    now = _moment(as_of)
    currencies = {portfolio.id: portfolio.currency for portfolio in portfolios}
    stale_after = timedelta(seconds=work.settings.market_stale_seconds)
    holdings = current_holdings.valued(conn, rows, currencies, now, stale_after, as_of=as_of)
    for portfolio in portfolios:
        if shown is not None and portfolio.currency != shown:
            between = converter(conn, portfolio, shown, as_of)
            rate, missing = between.now(now.date()), between.missing(now.date())
            holdings[portfolio.id] = [
                display_currency.holding(holding, rate, missing)
                for holding in holdings[portfolio.id]
            ]
    return holdings


def rate_date(
    conn: Connection, portfolio: Portfolio, shown: str, as_of: datetime | None = None
) -> date | None:
    """The day of the exchange rate of present holdings; None where nothing is converted, or there is no rate."""
    if shown == portfolio.currency:
        return None
    rate = converter(conn, portfolio, shown, as_of).now(_moment(as_of).date())
    return None if rate is None else rate.day


def converter(
    conn: Connection, portfolio: Portfolio, shown: str, as_of: datetime | None = None
) -> Converter:
    """Converts from a portfolio's currency to the shown one, at the rates known by `as_of`."""
    return Converter(StoredMarket(conn, as_of), portfolio.currency, shown)


def _moment(as_of: datetime | None) -> datetime:
    now = services().clock()
    return now if as_of is None else min(as_of, now)


def shown_currency(conn: Connection, asked: str | None, own: str) -> str:
    """The currency that amounts are shown in. Raises `errors.Problem` with status 400 where there is no such."""
    return own if asked is None else currency(conn, asked)


def currency(conn: Connection, wanted: str) -> str:
    """`wanted` by its code. Raises `errors.Problem` with status 400 where it is neither a currency nor a token."""
    code = wanted.upper()
    if code in MONEY:
        return code
    try:
        return symbols.find(conn, code).symbol
    except errors.Problem:
        message = "is neither a currency with a reference rate nor a token"
        raise errors.invalid(
            [{"path": "currency", "message": message, "code": "currency"}]
        ) from None


_IN_COMMON = "USD"


def common_currency(asked: str | None, portfolios: Sequence[Portfolio]) -> str:
    """The currency of sums over portfolios: the one asked for, else the one that all share, else US dollars."""
    own = {portfolio.currency for portfolio in portfolios}
    return asked or (own.pop() if len(own) == 1 else _IN_COMMON)


def over_all(portfolios: Sequence[Portfolio], totals: Sequence[Totals]) -> dict[str, Any]:
    """Sums over portfolios in one currency, and what they leave out. One without a value does not hide the others."""
    with localcontext(EXACT):
        value = known_sum([total.total_value for total in totals])
        change = known_sum([total.change_24h for total in totals])
        profit = known_sum([total.profit_loss for total in totals])
        before = sum((total.changed_value for total in totals), ZERO) - (change or ZERO)
        return {
            "totalValue": value,
            "change24h": change,
            "change24hPercentage": percentage(change, before),
            "totalProfitLoss": profit,
            "totalProfitLossPercentage": percentage(
                profit, sum((total.gain_cost for total in totals), ZERO)
            ),
            "leftOut": [
                _left_out(portfolio, total)
                for portfolio, total in zip(portfolios, totals, strict=True)
                if total.unpriced or total.stale or total.missing_rates
            ],
        }


def _left_out(portfolio: Portfolio, total: Totals) -> dict[str, Any]:
    return {
        "portfolioId": portfolio.id,
        "name": portfolio.name,
        "unpriced": total.unpriced,
        "stale": total.stale,
        "missingRates": total.missing_rates,
    }
