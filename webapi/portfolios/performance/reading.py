"""A portfolio's stored days in its own currency or another."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import NamedTuple, Protocol

from psycopg import Connection

from coinsphere.portfolio.performance import display_currency, realised_gains, stored_days
from coinsphere.portfolio.performance.display_currency import Converter
from coinsphere.portfolio.performance.period import Period
from coinsphere.portfolio.performance.stored_days import Point
from coinsphere.portfolio.portfolios import Portfolio
from coinsphere.portfolio.valuation import daily_growth
from webapi.portfolios import queries

USUAL_POINTS = stored_days.MAX_POINTS - 2


class Read(NamedTuple):
    """A period in the currency that it is shown in; `rate_dates` where it is not the portfolio's own."""

    points: Sequence[Point]
    before: daily_growth.DayOfReturn | None
    days: daily_growth.Days
    realised: realised_gains.Realised
    rate_dates: Mapping[date, date]


class Source(Protocol):
    """The source of a portfolio's days, in its own currency."""

    def days(self, period: Period) -> tuple[daily_growth.DayOfReturn | None, daily_growth.Days]:
        """The day before the period, and its days."""
        ...

    def points(self, period: Period, most: int) -> Sequence[Point]:
        """At most so many days for a chart, and one more."""
        ...

    def realised(self, period: Period) -> realised_gains.Realised:
        """The sum of the realised gains."""
        ...

    def realised_by_day(self, period: Period) -> Sequence[realised_gains.RealisedOfDay]:
        """The realised gains of each day that has any."""
        ...


class _Stored:
    """The stored days of a portfolio."""

    def __init__(self, conn: Connection) -> None:
        self.days = partial(stored_days.days, conn)
        self.points = partial(stored_days.points, conn)
        self.realised = partial(realised_gains.realised, conn)
        self.realised_by_day = partial(realised_gains.realised_by_day, conn)


def of(
    conn: Connection, portfolio: Portfolio, period: Period, currency: str, most: int = USUAL_POINTS
) -> Read:
    """The days of a period in `currency`, which has a reference rate or is a token's symbol; about `most` points of them."""
    stored = _Stored(conn)
    if currency == portfolio.currency:
        return own(stored, period, most)
    converter = queries.converter(conn, portfolio, currency)
    return shown(stored, period, portfolio.first_day, converter, most)


def points(
    conn: Connection, portfolio: Portfolio, period: Period, currency: str
) -> Sequence[Point]:
    """The points of `of` alone, for a picture: in the portfolio's own currency nothing else is read."""
    if currency == portfolio.currency:
        return stored_days.points(conn, period)
    return of(conn, portfolio, period, currency).points


def own(source: Source, period: Period, most: int = USUAL_POINTS) -> Read:
    """The days of a period in the portfolio's own currency."""
    before, days = source.days(period)
    return Read(source.points(period, most), before, days, source.realised(period), {})


def shown(
    source: Source,
    period: Period,
    first_day: date | None,
    converter: Converter,
    most: int = USUAL_POINTS,
) -> Read:
    """The days in another currency. Growth is chained from the portfolio's first day on, so all its days are read."""
    _, all_days = source.days(replace(period, first=first_day or period.first))
    _, of_period = source.days(period)
    past = display_currency.history(
        all_days, converter, period.first,
        is_known=of_period.is_known, is_priced=of_period.is_priced,
    )  # fmt: skip
    points = source.points(period, most)
    rates = {point.day: converter.on(point.day) for point in points}
    return Read(
        [display_currency.point(point, converter, past.growth) for point in points],
        past.before,
        past.days,
        display_currency.realised(source.realised_by_day(period), converter),
        {day: rate.day for day, rate in rates.items() if rate is not None},
    )
