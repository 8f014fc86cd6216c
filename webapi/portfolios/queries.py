"""What the routes of portfolios ask beside `coinsphere.portfolio`."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal, localcontext
from uuid import UUID

from psycopg import Connection

from coinsphere.portfolio import display, live
from coinsphere.portfolio.display import Converter
from coinsphere.portfolio.formats.readers import FIAT
from coinsphere.portfolio.history import StoredMarket
from coinsphere.portfolio.live import Holding, Totals
from coinsphere.portfolio.model import EXACT, ZERO
from coinsphere.portfolio.portfolios import Portfolio
from coinsphere.portfolio.returns import percentage
from webapi import errors
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
    work = services()
    now = work.clock()
    currencies = {each.id: each.currency for each in found}
    stale_after = timedelta(seconds=work.settings.market_stale_seconds)
    held = live.holdings(conn, owner, currencies, now, stale_after, holding_id=holding_id)
    for each in found:
        if shown is not None and each.currency != shown:
            rate = converter(conn, each, shown).now(now.date())
            held[each.id] = [display.holding(one, rate) for one in held[each.id]]
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
    if code in FIAT:
        return code
    try:
        return symbols.find(conn, code).symbol
    except errors.Problem:
        message = "is neither a currency with a reference rate nor a token"
        raise errors.invalid(
            [{"path": "currency", "message": message, "code": "currency"}]
        ) from None


def over_all(found: Sequence[Portfolio], sums: Sequence[Totals]) -> dict[str, Decimal | None]:
    """Sums over portfolios; null unless all have one currency: amounts of two cannot be added."""
    if len({each.currency for each in found}) > 1:
        return dict.fromkeys(_OVER_ALL)
    with localcontext(EXACT):
        value = _sum([each.total_value for each in sums])
        change = _sum([each.change_24h for each in sums])
        profit = _sum([each.profit_loss for each in sums])
        cost = _sum([each.total_cost for each in sums])
        before = None if value is None or change is None else value - change
        return {
            "totalValue": value,
            "change24h": change,
            "change24hPercentage": percentage(change, before),
            "totalProfitLoss": profit,
            "totalProfitLossPercentage": percentage(profit, cost),
        }


_OVER_ALL = (
    "totalValue", "change24h", "change24hPercentage", "totalProfitLoss", "totalProfitLossPercentage",
)  # fmt: skip


def _sum(parts: Sequence[Decimal | None]) -> Decimal | None:
    """The sum of what is known; of nothing at all it is zero, of unknown parts alone unknown."""
    known = [part for part in parts if part is not None]
    return sum(known, ZERO) if known or not parts else None
