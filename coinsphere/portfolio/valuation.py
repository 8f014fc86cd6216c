"""Values of a portfolio at the end of each day, from positions and closes: tables, never computed on a read."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from typing import NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.portfolio.bulk import Rows
from coinsphere.portfolio.model import EXACT, UNIT, ZERO, Market

_ONE = Decimal(1)

_FIRST_DAY = """
    select min(day) from (
        select min(from_day) as day from app.positions where portfolio_id = %(portfolio_id)s
        union all
        select min(day) from app.position_flows where portfolio_id = %(portfolio_id)s
    ) as days
"""
# `prices` has each token's close of every day of the span, carried on from the last final candle. An asset counts, in
# values and in flows alike, from its first price on: on that day what was held before comes in at that price. The
# last close before the span is looked for in the 45 days before it first: all partitions would be asked otherwise.
_DAYS = """
    with held as (
        select token_id, amount, cost, uncosted, from_day,
            greatest(from_day, %(from_day)s - 1) as lower, least(until_day, %(until_day)s + 1) as upper
        from app.positions
        where portfolio_id = %(portfolio_id)s and until_day > %(from_day)s - 1 and from_day <= %(until_day)s and amount > 0
    ),
    flows as (
        select * from app.position_flows
        where portfolio_id = %(portfolio_id)s and day between %(from_day)s and %(until_day)s
    ),
    assets as (
        select token_id from held union select token_id from flows
    ),
    candles as (
        select c.token_id, (c.opened_at at time zone 'UTC')::date as day, c.close
        from assets
        join market.price_data c on c.token_id = assets.token_id
        where c.interval = '1d' and c.is_final
            and c.opened_at >= (%(from_day)s::date)::timestamp at time zone 'UTC'
            and c.opened_at < (%(until_day)s::date + 1)::timestamp at time zone 'UTC'
        union all
        select assets.token_id, (coalesce(near.opened_at, far.opened_at) at time zone 'UTC')::date,
            coalesce(near.close, far.close)
        from assets
        left join lateral (
            select c.opened_at, c.close
            from market.price_data c
            where c.token_id = assets.token_id and c.interval = '1d' and c.is_final
                and c.opened_at < (%(from_day)s::date)::timestamp at time zone 'UTC'
                and c.opened_at >= (%(from_day)s::date - 45)::timestamp at time zone 'UTC'
            order by c.opened_at desc
            limit 1
        ) near on true
        left join lateral (
            select c.opened_at, c.close
            from market.price_data c
            where near.close is null and c.token_id = assets.token_id and c.interval = '1d' and c.is_final
                and c.opened_at < (%(from_day)s::date)::timestamp at time zone 'UTC'
            order by c.opened_at desc
            limit 1
        ) far on true
        where coalesce(near.close, far.close) is not null
    ),
    runs as (
        select token_id, day, close,
            lag(day) over (partition by token_id order by day) is null as is_first,
            coalesce(lead(day) over (partition by token_id order by day), %(until_day)s + 1) as next_day
        from candles
    ),
    prices as (
        select token_id, dates.day::date as day, close, runs.day < dates.day::date as is_filled,
            is_first and runs.day = dates.day::date as is_first
        from runs
        cross join lateral generate_series(
            greatest(runs.day, %(from_day)s)::timestamp, next_day::timestamp - interval '1 day', interval '1 day'
        ) as dates (day)
    ),
    positions as (
        select token_id, dates.day::date as day, amount, cost, uncosted
        from held
        cross join lateral generate_series(
            lower::timestamp, upper::timestamp - interval '1 day', interval '1 day'
        ) as dates (day)
    ),
    valued as (
        select
            p.day,
            coalesce(sum(p.amount * c.close), 0) as value,
            sum(p.cost) as cost,
            count(*) filter (where p.uncosted > 0) as uncosted,
            count(c.close) as priced,
            count(*) filter (where c.is_filled) as filled,
            count(*) filter (where c.close is null) as unpriced
        from positions p
        left join prices c on c.token_id = p.token_id and c.day = p.day
        where p.day >= %(from_day)s
        group by p.day
    ),
    begun as (
        select c.day, sum(p.amount * c.close) as amount_in
        from prices c
        join positions p on p.token_id = c.token_id and p.day = c.day - 1
        where c.is_first
        group by c.day
    ),
    crossed as (
        select
            f.day,
            sum(f.money_in) as money_in,
            sum(f.money_out) as money_out,
            sum(f.swap_in) - sum(f.swap_out) as swapped,
            sum(f.amount_in * c.close) as amount_in,
            sum(f.amount_out * c.close) as amount_out
        from flows f
        join prices c on c.token_id = f.token_id and c.day = f.day
        group by f.day
    )
    select
        dates.day::date as day, coalesce(valued.value, 0) as value, coalesce(valued.cost, 0) as cost,
        coalesce(valued.uncosted, 0) as uncosted, coalesce(valued.priced, 0) as priced,
        coalesce(valued.filled, 0) as filled, coalesce(valued.unpriced, 0) as unpriced,
        coalesce(crossed.money_in, 0) + greatest(coalesce(crossed.swapped, 0), 0) as money_in,
        coalesce(crossed.money_out, 0) + greatest(-coalesce(crossed.swapped, 0), 0) as money_out,
        coalesce(crossed.amount_in, 0) + coalesce(begun.amount_in, 0) as amount_in,
        coalesce(crossed.amount_out, 0) as amount_out
    from generate_series(%(from_day)s::timestamp, %(until_day)s::timestamp, interval '1 day') as dates (day)
    left join valued on valued.day = dates.day::date
    left join crossed on crossed.day = dates.day::date
    left join begun on begun.day = dates.day::date
    order by 1
"""
# A history of twelve years of 250 assets is a million rows: kept in memory, they are summed in half the time.
_ROOM = "set local work_mem = '64MB'"
_BEFORE = """
    select value, growth from app.portfolio_values_daily
    where portfolio_id = %(portfolio_id)s and day = %(from_day)s::date - 1
"""
_FORGET = "delete from app.portfolio_values_daily where portfolio_id = %(portfolio_id)s and day >= %(day)s"
_DONE = """
    update app.portfolio_states
    set first_day = %(first_day)s, valued_at = %(now)s, revision = revision + 1
    where portfolio_id = %(portfolio_id)s
"""
_VALUES = Rows(
    "app", "portfolio_values_daily",
    {
        "portfolio_id": "uuid", "user_id": "uuid", "day": "date", "value": "numeric", "cost": "numeric",
        "uncosted_assets": "integer", "inflow": "numeric", "outflow": "numeric", "growth": "numeric",
        "priced_assets": "integer", "filled_assets": "integer", "unpriced_assets": "integer",
    },
)  # fmt: skip


class Day(NamedTuple):
    """A day as the database sums it: values and `amount_*` in US dollars, costs and `money_*` in our currency."""

    day: date
    value: Decimal
    cost: Decimal
    uncosted: int
    priced: int
    filled: int
    unpriced: int
    money_in: Decimal
    money_out: Decimal
    amount_in: Decimal
    amount_out: Decimal


class ValueOfDay(NamedTuple):
    """A day in the portfolio's currency; value, flows and growth are None where the currency has no rate yet."""

    day: date
    value: Decimal | None
    cost: Decimal
    uncosted: int
    inflow: Decimal | None
    outflow: Decimal | None
    growth: Decimal | None
    priced: int
    filled: int
    unpriced: int


def revalue(
    conn: Connection,
    user_id: UUID,
    portfolio_id: UUID,
    *,
    currency: str,
    from_day: date,
    market: Market,
    now: datetime,
) -> int:
    """Value a portfolio anew from `from_day` to yesterday; today's value is live. Returns the days written."""
    parameters: dict[str, object] = {"portfolio_id": portfolio_id, "day": from_day, "now": now}
    row = conn.execute(_FIRST_DAY, parameters).fetchone()
    first_day: date | None = row[0] if row else None
    conn.execute(_ROOM)
    conn.execute(_FORGET, parameters)
    conn.execute(_DONE, {**parameters, "first_day": first_day})
    yesterday = now.date() - timedelta(days=1)
    if first_day is None or max(from_day, first_day) > yesterday:
        return 0
    parameters |= {"from_day": max(from_day, first_day), "until_day": yesterday}
    before = conn.execute(_BEFORE, parameters).fetchone() or (None, None)
    days = conn.cursor(row_factory=class_row(Day)).execute(_DAYS, parameters).fetchall()
    with localcontext(EXACT):
        rows = list(_valued(days, currency, market, before))
    _VALUES.insert(conn, ((portfolio_id, user_id, *row[:3], *row[3:]) for row in rows))
    return len(rows)


def _valued(
    days: Sequence[Day],
    currency: str,
    market: Market,
    before: tuple[Decimal | None, Decimal | None],
) -> Iterator[ValueOfDay]:
    value, growth = before
    for day in days:
        rate = market.per_dollar(currency, day.day)
        if rate is None:
            yield ValueOfDay(
                day.day, None, day.cost, day.uncosted, None, None, None,
                day.priced, day.filled, day.unpriced,
            )  # fmt: skip
            continue
        inflow = (day.money_in + day.amount_in * rate).quantize(UNIT)
        outflow = (day.money_out + day.amount_out * rate).quantize(UNIT)
        previous, value = value, (day.value * rate).quantize(UNIT)
        growth = grown(growth, previous, value, inflow, outflow)
        yield ValueOfDay(
            day.day, value, day.cost, day.uncosted, inflow, outflow, growth,
            day.priced, day.filled, day.unpriced,
        )  # fmt: skip


def grown(
    growth: Decimal | None,
    previous: Decimal | None,
    value: Decimal,
    inflow: Decimal,
    outflow: Decimal,
) -> Decimal:
    """What one unit of money has become after a day: money comes in before the day's move, and goes out after it.

    So a day with a purchase has no denominator of zero, and one without anything invested changes nothing.
    """
    if growth is None:
        growth = _ONE
    invested = (previous or ZERO) + inflow
    if invested <= 0:
        return growth
    return (growth * (value + outflow) / invested).quantize(UNIT)
