"""Values of a portfolio at the end of each day, stored in tables and never computed on a read."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from coinsphere.db.bulk_insert import Rows
from coinsphere.portfolio.model import EXACT, UNIT, ZERO, Market
from coinsphere.portfolio.valuation import daily_growth, daily_series
from coinsphere.portfolio.valuation.daily_totals import (
    DailyTotals,
    DayTotals,
    FlowSeries,
    PositionSeries,
)
from coinsphere.portfolio.valuation.stored_market import StoredMarket

_ONE = Decimal(1)
_NOTHING = (ZERO, 0)

# Positions and flows of each token as texts, as its closes are read (`stored_market`).
_HELD = """
    select token_id, string_agg((from_day - date '0001-01-01' + 1)::text, ' '),
        string_agg(amount::text, ' '), string_agg(cost::text, ' '),
        string_agg(uncosted::text, ' ')
    from app.positions
    where portfolio_id = %(portfolio_id)s and token_id = any(%(token_ids)s)
        and until_day >= %(from_day)s and from_day <= %(until_day)s
    group by token_id
"""
_CROSSED = """
    select token_id, string_agg((day - date '0001-01-01' + 1)::text, ' '),
        string_agg(money_in::text, ' '), string_agg(money_out::text, ' '),
        string_agg(amount_in::text, ' '), string_agg(amount_out::text, ' '),
        string_agg((swap_in - swap_out)::text, ' ')
    from app.position_flows
    where portfolio_id = %(portfolio_id)s and token_id = any(%(token_ids)s)
        and day between %(from_day)s and %(until_day)s
    group by token_id
"""
_ASSETS = """
    select token_id from app.positions
    where portfolio_id = %(portfolio_id)s and until_day >= %(from_day)s and from_day <= %(until_day)s and amount > 0
    union
    select token_id from app.position_flows
    where portfolio_id = %(portfolio_id)s and day between %(from_day)s and %(until_day)s
"""
_AT_ONCE = 50
"""Assets read by one statement."""
# What uses of lots brought above their cost, and how many have one of the two unknown.
_REALISED = """
    select (used_at at time zone 'UTC')::date, coalesce(sum(proceeds - cost), 0),
        count(*) filter (where proceeds is null or cost is null)
    from app.lot_uses
    where portfolio_id = %(portfolio_id)s and kind in ('sale', 'swap', 'fee', 'lost')
        and used_at >= %(from_day)s::date::timestamp at time zone 'UTC'
        and used_at < (%(until_day)s::date + 1)::timestamp at time zone 'UTC'
    group by 1
"""
_BEFORE = """
    select value, growth from app.portfolio_values_daily
    where portfolio_id = %(portfolio_id)s and day = %(from_day)s::date - 1
"""
_FORGET = "delete from app.portfolio_values_daily where portfolio_id = %(portfolio_id)s and day >= %(day)s"
# What lies before the changed day stays as it is, and what still waits to be valued will say.
_DONE = """
    update app.portfolio_states set
        revision = revision + 1,
        valued_at = %(now)s,
        first_day = case
            when first_day < %(day)s or exists (select from app.valuation_marks where portfolio_id = %(portfolio_id)s)
            then first_day
            else least(
                (select min(from_day) from app.positions where portfolio_id = %(portfolio_id)s),
                (select min(day) from app.position_flows where portfolio_id = %(portfolio_id)s)
            )
        end
    where portfolio_id = %(portfolio_id)s
    returning first_day
"""
_VALUES = Rows(
    "app", "portfolio_values_daily",
    {
        "portfolio_id": "uuid", "user_id": "uuid", "day": "date", "value": "numeric", "cost": "numeric",
        "uncosted_assets": "integer", "inflow": "numeric", "outflow": "numeric", "growth": "numeric",
        "priced_assets": "integer", "filled_assets": "integer", "unpriced_assets": "integer",
        "realised": "numeric", "realised_unknown": "integer",
    },
)  # fmt: skip


class ValueOfDay(NamedTuple):
    """A day in the portfolio's currency; value and flows are None where the currency has no rate yet, growth also out of range."""

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
    market: StoredMarket,
    now: datetime,
) -> int:
    """Value a portfolio again from `from_day` to yesterday; today's value is live. Returns the days written."""
    parameters: dict[str, Any] = {"portfolio_id": portfolio_id, "day": from_day}
    conn.execute(_FORGET, parameters)
    first_day = note_valued(conn, portfolio_id, from_day, now)
    yesterday = now.date() - timedelta(days=1)
    if first_day is None or max(from_day, first_day) > yesterday:
        return 0
    parameters |= {"from_day": max(from_day, first_day), "until_day": yesterday}
    before = conn.execute(_BEFORE, parameters).fetchone() or (None, None)
    days = _summed(conn, parameters, market)
    with localcontext(EXACT):
        rows = list(valued(days, currency, market, before))
    realised = {day: figures for day, *figures in conn.execute(_REALISED, parameters)}
    _VALUES.insert(
        conn,
        ((portfolio_id, user_id, *row, *realised.get(row.day, _NOTHING)) for row in rows),
    )
    return len(rows)


def note_valued(conn: Connection, portfolio_id: UUID, from_day: date, now: datetime) -> date | None:
    """Note that a portfolio is valued as its books are, which changed from `from_day` on.

    Returns:
        Its first day; None where it has none.
    """
    parameters = {"portfolio_id": portfolio_id, "day": from_day, "now": now}
    row = conn.execute(_DONE, parameters).fetchone()
    return row[0] if row else None


def _summed(
    conn: Connection, parameters: dict[str, Any], market: StoredMarket
) -> Iterator[DayTotals]:
    """The days of the span over all assets."""
    first = parameters["from_day"]
    sums = DailyTotals(first, parameters["until_day"])
    assets = [token_id for (token_id,) in conn.execute(_ASSETS, parameters).fetchall()]
    for at in range(0, len(assets), _AT_ONCE):
        chunk = assets[at : at + _AT_ONCE]
        market.prepare(chunk, first)
        positions, crossed = _positions(conn, parameters, chunk), _flows(conn, parameters, chunk)
        for token_id in chunk:
            sums.add(
                market.closes_since(token_id, first), positions.get(token_id), crossed.get(token_id)
            )
    return sums.days()


def _positions(
    conn: Connection, parameters: dict[str, Any], token_ids: Sequence[UUID]
) -> dict[UUID, PositionSeries]:
    rows = conn.execute(_HELD, {**parameters, "token_ids": list(token_ids)})
    return {token_id: _held(*texts) for token_id, *texts in rows}


def _flows(
    conn: Connection, parameters: dict[str, Any], token_ids: Sequence[UUID]
) -> dict[UUID, FlowSeries]:
    rows = conn.execute(_CROSSED, {**parameters, "token_ids": list(token_ids)})
    return {token_id: _crossed(*texts) for token_id, *texts in rows}


def _held(*texts: str) -> PositionSeries:
    days, columns = daily_series.by_day(*texts)
    return PositionSeries(days, *columns)


def _crossed(*texts: str) -> FlowSeries:
    days, columns = daily_series.by_day(*texts)
    return FlowSeries(days, *columns)


def valued(
    days: Iterable[DayTotals],
    currency: str,
    market: Market,
    before: tuple[Decimal | None, Decimal | None],
) -> Iterator[ValueOfDay]:
    """The days in the portfolio's currency; `before` has the value and the growth of the day before. In the context `EXACT`."""
    value, growth = before
    # Growth without a number after a day with a value went out of range.
    growth = _ONE if value is None else growth
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
        if growth is not None:
            growth = daily_growth.grown(growth, previous or ZERO, value, inflow, outflow)
        yield ValueOfDay(
            day.day, value, day.cost, day.uncosted, inflow, outflow, growth,
            day.priced, day.filled, day.unpriced,
        )  # fmt: skip
