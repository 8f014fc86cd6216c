"""A portfolio over time as it was believed to be at a past instant."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import Connection

from coinsphere.portfolio.lots import books_known
from coinsphere.portfolio.performance import display_currency
from coinsphere.portfolio.performance.display_currency import Converter
from coinsphere.portfolio.performance.known_days import KnownDays
from coinsphere.portfolio.performance.period import Period
from coinsphere.portfolio.portfolios import Portfolio
from coinsphere.portfolio.valuation import values_known
from coinsphere.portfolio.valuation.stored_market import StoredMarket
from coinsphere.portfolio.valuation.values_known import Held
from webapi.http import errors
from webapi.portfolios.performance import reading
from webapi.portfolios.performance.reading import Read

MOST_FACTS = 20_000
"""Books are made anew for each answer; those of more facts would take seconds."""


@dataclass(frozen=True, slots=True)
class Past:
    """What was read of a period, and the point of the moment itself, as the wire has it."""

    read: Read
    live: dict[str, Any]


def of(
    conn: Connection,
    found: Portfolio,
    period: Period,
    currency: str,
    when: tuple[datetime, datetime],
    *,
    most: int,
) -> Past:
    """The days of a period in `currency`.

    Args:
        conn: within a transaction.
        found: the portfolio.
        period: its days.
        currency: that amounts are shown in.
        when: the moment as of which it is asked, and the present one.
        most: about how many points.

    Raises:
        errors.Problem: 400 where there are too many facts to book at once.
    """
    as_of, now = when
    if books_known.facts(conn, period.user_id, as_of) > MOST_FACTS:
        message = f"with more than {MOST_FACTS} transactions a past state is not computed"
        raise errors.invalid([{"path": "asOf", "message": message, "code": "too_many"}])
    known = values_known.values(conn, period.user_id, found.id, found.currency, as_of, now)
    source, today = KnownDays(known.days, known.uses), min(as_of, now).date()
    if currency == found.currency:
        return Past(reading.own(source, period, most), _live(known.held, today, None))
    converter = Converter(StoredMarket(conn, as_of), found.currency, currency)
    rate = converter.now(today)
    held = display_currency.held(known.held, rate)
    read = reading.shown(source, period, source.first_day, converter, most)
    return Past(read, _live(held, today, rate and rate.day))


def _live(held: Held, today: date, rate_date: date | None) -> dict[str, Any]:
    return {
        "date": today.isoformat(),
        "value": held.value,
        "cost": held.cost,
        "growth": None,
        "filledAssets": 0,
        "unpricedAssets": held.unpriced,
        "benchmark": None,
        "isLive": True,
        "rateDate": rate_date,
    }
