"""A portfolio's history as known at a past instant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection

from coinsphere.portfolio.performance.known_days import KnownDays
from coinsphere.portfolio.performance.period import Period
from coinsphere.portfolio.portfolios import Portfolio
from coinsphere.portfolio.valuation import values_known
from coinsphere.portfolio.valuation.current_holdings import Holding
from webapi.portfolios import past_state, queries
from webapi.portfolios.performance import reading
from webapi.portfolios.performance.reading import Read


@dataclass(frozen=True, slots=True)
class Past:
    """A period as known then, and the holdings at the instant itself."""

    read: Read
    held: Sequence[Holding]


def of(
    conn: Connection,
    portfolio: Portfolio,
    period: Period,
    currency: str,
    when: tuple[datetime, datetime],
    *,
    most: int,
) -> Past:
    """The days of a period in `currency`.

    Args:
        conn: within a transaction.
        portfolio: the portfolio.
        period: its days.
        currency: that amounts are shown in.
        when: the moment as of which it is asked, and the present one.
        most: about how many points.

    Raises:
        errors.Problem: 400 where there are too many facts to book at once.
    """
    as_of, now = when
    past_state.require_bookable(conn, period.user_id, as_of)
    known = values_known.values(conn, period.user_id, portfolio.id, portfolio.currency, as_of, now)
    holdings = past_state.holdings(conn, portfolio, known.held, currency, as_of)
    source = KnownDays(known.days, known.uses)
    if currency == portfolio.currency:
        return Past(reading.own(source, period, most), holdings)
    converter = queries.converter(conn, portfolio, currency, as_of)
    return Past(reading.shown(source, period, source.first_day, converter, most), holdings)
