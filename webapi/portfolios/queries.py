"""What the routes of portfolios ask beside `coinsphere.portfolio`."""

from collections.abc import Sequence
from datetime import date, timedelta
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
    found: Sequence[Portfolio],
    holding_id: UUID | None = None,
    *,
    shown: str | None = None,
) -> dict[UUID, list[Holding]]:
    """What these portfolios of one user hold now, each in its own currency or all in `shown`."""
    only = found[0].id if len(found) == 1 else None
    asked = current_holdings.ask(conn, owner, only, holding_id)
    return valued(conn, asked.fetchall(), found, shown)


def valued(
    conn: Connection, rows: Sequence[Row], found: Sequence[Portfolio], shown: str | None
) -> dict[UUID, list[Holding]]:
    """The same, of what `current_holdings.ask` found."""
    work = services()
    now = work.clock()
    currencies = {each.id: each.currency for each in found}
    stale_after = timedelta(seconds=work.settings.market_stale_seconds)
    held = current_holdings.valued(conn, rows, currencies, now, stale_after)
    for each in found:
        if shown is not None and each.currency != shown:
            between = converter(conn, each, shown)
            rate, missing = between.now(now.date()), between.missing(now.date())
            held[each.id] = [display_currency.holding(one, rate, missing) for one in held[each.id]]
    return held


def rate_date(conn: Connection, found: Portfolio, shown: str) -> date | None:
    """The day of the rate at which what is held now is shown; None where nothing is converted, or there is no rate."""
    if shown == found.currency:
        return None
    rate = converter(conn, found, shown).now(services().clock().date())
    return None if rate is None else rate.day


def converter(conn: Connection, found: Portfolio, shown: str) -> Converter:
    """From a portfolio's currency to the shown one."""
    return Converter(StoredMarket(conn), found.currency, shown)


def shown_currency(conn: Connection, asked: str | None, own: str) -> str:
    """The currency that amounts are shown in. Raises `errors.Problem` with status 400 where there is no such."""
    return own if asked is None else currency(conn, asked)


def currency(conn: Connection, wanted: str) -> str:
    """`wanted` as we keep it. Raises `errors.Problem` with status 400 where it is neither a currency nor a token."""
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


def common_currency(asked: str | None, found: Sequence[Portfolio]) -> str:
    """The currency of sums over portfolios: what is asked for, else what all are in, else US dollars."""
    own = {each.currency for each in found}
    return asked or (own.pop() if len(own) == 1 else _IN_COMMON)


def over_all(found: Sequence[Portfolio], sums: Sequence[Totals]) -> dict[str, Any]:
    """Sums over portfolios that are all in one currency, and what they leave out: no portfolio takes another's away."""
    with localcontext(EXACT):
        value = known_sum([each.total_value for each in sums])
        change = known_sum([each.change_24h for each in sums])
        profit = known_sum([each.profit_loss for each in sums])
        before = sum((each.changed_value for each in sums), ZERO) - (change or ZERO)
        return {
            "totalValue": value,
            "change24h": change,
            "change24hPercentage": percentage(change, before),
            "totalProfitLoss": profit,
            "totalProfitLossPercentage": percentage(
                profit, sum((each.gain_cost for each in sums), ZERO)
            ),
            "leftOut": [
                _left_out(each, total)
                for each, total in zip(found, sums, strict=True)
                if total.unpriced or total.stale or total.missing_rates
            ],
        }


def _left_out(found: Portfolio, total: Totals) -> dict[str, Any]:
    return {
        "portfolioId": found.id,
        "name": found.name,
        "unpriced": total.unpriced,
        "stale": total.stale,
        "missingRates": total.missing_rates,
    }
