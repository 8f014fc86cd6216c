"""A portfolio's stored days, in its own currency or another."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from psycopg import Connection

from coinsphere.portfolio.performance import display_currency, realised_gains, stored_days
from coinsphere.portfolio.performance.period import Period
from coinsphere.portfolio.performance.stored_days import Point
from coinsphere.portfolio.portfolios import Portfolio
from coinsphere.portfolio.valuation import daily_growth
from webapi.portfolios import queries


class Read(NamedTuple):
    """A period in the currency that it is shown in; `rate_dates` where it is not the portfolio's own."""

    points: Sequence[Point]
    before: daily_growth.DayOfReturn | None
    days: daily_growth.Days
    realised: realised_gains.Realised
    rate_dates: Mapping[date, date]


def of(conn: Connection, found: Portfolio, period: Period, currency: str) -> Read:
    """The days of a period in `currency`, which has a reference rate or is a token's symbol."""
    if currency == found.currency:
        return _own(conn, period)
    return _shown(conn, found, period, currency)


def points(conn: Connection, found: Portfolio, period: Period, currency: str) -> Sequence[Point]:
    """The points of `of` alone, for a picture: in the portfolio's own currency nothing else is read."""
    if currency == found.currency:
        return stored_days.points(conn, period)
    return _shown(conn, found, period, currency).points


def _own(conn: Connection, period: Period) -> Read:
    before, days = stored_days.days(conn, period)
    points = stored_days.points(conn, period)
    return Read(points, before, days, realised_gains.realised(conn, period), {})


def _shown(conn: Connection, found: Portfolio, period: Period, currency: str) -> Read:
    """Growth is chained from the portfolio's first day on, so all its days are read: one row for each."""
    converter = queries.converter(conn, found, currency)
    _, all_days = stored_days.days(conn, replace(period, first=found.first_day or period.first))
    _, of_period = stored_days.days(conn, period)
    past = display_currency.history(
        all_days, converter, period.first,
        is_known=of_period.is_known, is_priced=of_period.is_priced,
    )  # fmt: skip
    points = stored_days.points(conn, period)
    rates = {point.day: converter.on(point.day) for point in points}
    return Read(
        [display_currency.point(point, converter, past.growth) for point in points],
        past.before,
        past.days,
        display_currency.realised(realised_gains.realised_by_day(conn, period), converter),
        {day: rate.day for day, rate in rates.items() if rate is not None},
    )
