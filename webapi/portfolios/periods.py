"""The query parameters that choose days, an instant and a currency."""

from datetime import date, timedelta

from pydantic import Field

from coinsphere.portfolio.performance.period import Period
from coinsphere.portfolio.portfolios import Portfolio
from webapi.http import errors
from webapi.http.schema import Instant, Query
from webapi.portfolios import scope
from webapi.portfolios.schemas import Currency
from webapi.services import services
from webapi.tokens.schemas import AS_OF

USUAL_DAYS = 30
_FIRST_DAY = date(2009, 1, 1)
"""Before it there was no token: what lies beside it in a report would fall out of the calendar."""


class CurrencyQuery(Query):
    """In which currency amounts are shown; the books stay in the portfolio's own."""

    currency: Currency | None = Field(
        None,
        description="An ISO code with a reference rate, or a token's symbol. What was is converted at the rate of its day, "
        "what is at the newest one.",
    )


class PortfolioQuery(CurrencyQuery):
    """In which currency, and of which moment."""

    as_of: Instant | None = Field(
        None,
        description=f"{AS_OF} What it held by the transactions, events, prices and exchange rates that were known; its name and "
        "method are those of now. For at most 20,000 transactions of the user.",
    )


class PeriodQuery(CurrencyQuery):
    """Which days: the last `days`, or from `from` to `to`, both included."""

    days: int | None = Field(None, ge=1, le=20_000)
    first: date | None = Field(None, alias="from")
    last: date | None = Field(None, alias="to")
    explain: bool = Field(
        default=False, description="Give the cash flows and the daily sub-periods, too."
    )
    benchmark: str | None = Field(
        None, max_length=200, description="A token, or a mix as `BTC:0.6,ETH:0.4`."
    )


def of(portfolio: Portfolio, asked: PeriodQuery, usual: int = USUAL_DAYS) -> Period:
    """The days that are asked for, from the portfolio's first on. Raises `errors.Problem` with status 400."""
    return until(portfolio, asked, services().clock().date(), usual)


def until(portfolio: Portfolio, asked: PeriodQuery, today: date, usual: int = USUAL_DAYS) -> Period:
    """Like `of`, with another last day; one before the first token's becomes that of the first token."""
    today = max(today, _FIRST_DAY)
    last = min(asked.last or today, today)
    if last < _FIRST_DAY:
        raise _refused("to", "lies before the first token, of January 2009")
    first = asked.first or last - timedelta(days=(asked.days or usual) - 1)
    if first > last:
        raise _refused("from", "lies after the last day")
    first = max(first, _FIRST_DAY)
    if portfolio.first_day is not None:
        first = min(max(first, portfolio.first_day), last)
    return Period(scope.user_id(), portfolio.id, first, last)


def _refused(name: str, message: str) -> errors.Problem:
    return errors.invalid([{"path": name, "message": message, "code": "period"}])
