"""A portfolio's stored days: series for charts, returns, risk and contributions. Reads only."""

from datetime import date
from decimal import Decimal
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.portfolio.performance.period import Period
from coinsphere.portfolio.valuation import daily_series
from coinsphere.portfolio.valuation.daily_growth import DayOfReturn, Days

MAX_POINTS = 1_000


_BEFORE = """
    select day, value, inflow, outflow, growth
    from app.portfolio_values_daily
    where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and day = %(first)s::date - 1
"""
# As texts, as `stored_market` reads closes; and whether anything that was held has a price. A day without a rate has no value and is left out; growth may be out of range.
_DAYS = """
    select count(*) = count(value), coalesce(bool_or(priced_assets > 0) or not bool_or(unpriced_assets > 0), true),
        coalesce(string_agg((day - date '0001-01-01' + 1)::text, ' ') filter (where value is not null), ''),
        coalesce(string_agg(value::text, ' '), ''),
        coalesce(string_agg(inflow::text, ' '), ''),
        coalesce(string_agg(outflow::text, ' '), ''),
        coalesce(string_agg(coalesce(growth, -1)::numeric(78, 18)::text, ' ') filter (where value is not null), '')
    from app.portfolio_values_daily
    where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and day between %(first)s and %(last)s
"""
# The first and the last day are always among the points. A portfolio has values of every day from its first on. The
# span is found once: of a table that nobody has analysed yet, it would be looked for again for each of its days.
_POINTS = """
    with span as materialized (
        select min(day) as first, max(day) as last,
            greatest(ceil((max(day) - min(day) + 1) / %(most)s::numeric)::integer, 1) as step
        from app.portfolio_values_daily
        where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and day between %(first)s and %(last)s
    )
    select v.day, case when v.priced_assets > 0 or v.unpriced_assets = 0 then v.value end as value, v.cost, v.growth,
        v.filled_assets, v.unpriced_assets, v.priced_assets
    from app.portfolio_values_daily v
    cross join span
    where v.user_id = %(user_id)s and v.portfolio_id = %(portfolio_id)s and v.day between %(first)s and %(last)s
        and ((span.last - v.day) %% span.step = 0 or v.day = span.first)
    order by v.day
"""
_GROWTH = """
    select day, growth::double precision as growth
    from app.portfolio_values_daily
    where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and day between %(first)s::date - 1 and %(last)s
        and growth is not null
    order by day
"""


class Point(NamedTuple):
    """A day of a chart, in the portfolio's currency; of what was held on it nothing may have a price."""

    day: date
    value: Decimal | None
    cost: Decimal | None
    growth: Decimal | None
    filled_assets: int
    unpriced_assets: int
    priced_assets: int

    @property
    def is_unpriced(self) -> bool:
        """Whether something was held, and none of it has a price yet."""
        return self.unpriced_assets > 0 and self.priced_assets == 0


class GrowthOfDay(NamedTuple):
    """The growth of one unit of money up to a day, in floats, for estimates."""

    day: date
    growth: float


def days(conn: Connection, period: Period) -> tuple[DayOfReturn | None, Days]:
    """The day before the period, None where the portfolio began later, and the days of the period."""
    cursor = conn.cursor(row_factory=class_row(DayOfReturn))
    before = cursor.execute(_BEFORE, period.parameters()).fetchone()
    row = conn.execute(_DAYS, period.parameters()).fetchone()
    assert row is not None
    is_known, is_priced, *texts = row
    ordinals, columns = daily_series.by_day(*texts)
    return before, Days(ordinals, columns, is_known=is_known, is_priced=is_priced)


def points(conn: Connection, period: Period, most: int = MAX_POINTS - 2) -> list[Point]:
    """At most `most` + 1 days of the period at even distances, its first and its last among them."""
    cursor = conn.cursor(row_factory=class_row(Point))
    return cursor.execute(_POINTS, period.parameters(most=most)).fetchall()


def growth(conn: Connection, period: Period) -> list[GrowthOfDay]:
    """The growth of each day, from the day before the period on."""
    cursor = conn.cursor(row_factory=class_row(GrowthOfDay))
    return cursor.execute(_GROWTH, period.parameters()).fetchall()
