"""A portfolio's past as stored: series for charts, returns, risk, what each asset contributed. Reads only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from typing import NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.portfolio import series
from coinsphere.portfolio.model import EXACT, UNIT, ZERO, Use
from coinsphere.portfolio.returns import DayOfReturn, Days

MAX_POINTS = 1_000

Worth = Callable[[UUID, Decimal, date], Decimal | None]
"""What units of a token were worth on a day, in the portfolio's currency: `legs.Valuer.worth`."""

_BEFORE = """
    select day, value, inflow, outflow, growth
    from app.portfolio_values_daily
    where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and day = %(first)s::date - 1
"""
# As texts, as `history` reads closes. A day without a rate has no value and is left out; growth may be out of range.
_DAYS = """
    select count(*) = count(value),
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
    select v.day, v.value, v.cost, v.growth, v.filled_assets, v.unpriced_assets
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
# Per asset: what it was worth at both ends, and what came and went in between, as far as it had a price.
_CONTRIBUTION = """
    with ends as (
        select p.token_id, 'start' as at, p.amount from app.positions p
        where p.user_id = %(user_id)s and p.portfolio_id = %(portfolio_id)s
            and p.from_day <= %(first)s::date - 1 and p.until_day > %(first)s::date - 1
        union all
        select p.token_id, 'end', p.amount from app.positions p
        where p.user_id = %(user_id)s and p.portfolio_id = %(portfolio_id)s
            and p.from_day <= %(last)s and p.until_day > %(last)s
    )
    select
        t.id as token_id, t.symbol, t.name,
        coalesce((select amount from ends e where e.token_id = t.id and e.at = 'start'), 0) as start_amount,
        coalesce((select amount from ends e where e.token_id = t.id and e.at = 'end'), 0) as end_amount
    from market.tokens t
    where t.id in (select token_id from ends)
        or t.id in (
            select token_id from app.position_flows f
            where f.user_id = %(user_id)s and f.portfolio_id = %(portfolio_id)s and f.day between %(first)s and %(last)s
        )
    order by t.symbol, t.id
"""
_FLOWS = """
    select token_id, day, money_in + swap_in as money_in, money_out + swap_out as money_out, amount_in, amount_out, income
    from app.position_flows
    where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and day between %(first)s and %(last)s
"""
_GAINS = """
    select
        u.token_id, t.symbol, u.number, u.fact_id, u.kind, u.used_at, u.quantity, u.cost, u.proceeds, l.acquired_at,
        u.lot_number
    from app.lot_uses u
    join market.tokens t on t.id = u.token_id
    left join app.lots l on l.user_id = u.user_id and l.token_id = u.token_id and l.number = u.lot_number
    where u.user_id = %(user_id)s and u.portfolio_id = %(portfolio_id)s
        and u.kind in ('sale', 'swap', 'fee', 'lost')
        and u.used_at >= %(first)s::date::timestamp at time zone 'UTC'
        and u.used_at < (%(last)s::date + 1)::timestamp at time zone 'UTC'
        and (%(before)s::timestamptz is null or (u.used_at, u.token_id, u.number) < (%(before)s, %(before_token)s, %(before_number)s))
    order by u.used_at desc, u.token_id desc, u.number desc
    limit %(limit)s
"""
# Stored by day up to the last that is valued; of the days since, today at least, from the uses themselves.
_REALISED = """
    with valued as (
        select coalesce(max(day) + 1, '-infinity') as until_day
        from app.portfolio_values_daily
        where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s
    ),
    parts as (
        select sum(realised) as gain, sum(realised_unknown) as unknown
        from app.portfolio_values_daily
        where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and day between %(first)s and %(last)s
        union all
        select sum(proceeds - cost), count(*) filter (where proceeds is null or cost is null)
        from app.lot_uses
        where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and kind in ('sale', 'swap', 'fee', 'lost')
            and used_at >= greatest(%(first)s::date, (select until_day from valued))::timestamp at time zone 'UTC'
            and used_at < (%(last)s::date + 1)::timestamp at time zone 'UTC'
    )
    select coalesce(sum(gain), 0) as gain, coalesce(sum(unknown), 0)::integer as unknown from parts
"""
_REALISED_BY_DAY = """
    select (used_at at time zone 'UTC')::date as day, coalesce(sum(proceeds - cost), 0) as gain,
        count(*) filter (where proceeds is not null and cost is not null) as known,
        count(*) filter (where proceeds is null or cost is null) as unknown
    from app.lot_uses
    where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and kind in ('sale', 'swap', 'fee', 'lost')
        and used_at >= %(first)s::date::timestamp at time zone 'UTC'
        and used_at < (%(last)s::date + 1)::timestamp at time zone 'UTC'
    group by 1
    order by 1
"""
_LOTS_OF_FACT = """
    select u.lot_number, u.kind, u.used_at, u.quantity, u.cost, u.proceeds, l.acquired_at, l.fact_id as acquired_by,
        t.symbol
    from app.lot_uses u
    join market.tokens t on t.id = u.token_id
    left join app.lots l on l.user_id = u.user_id and l.token_id = u.token_id and l.number = u.lot_number
    where u.user_id = %(user_id)s and u.fact_id = %(fact_id)s
    order by t.symbol, u.number
"""


class Point(NamedTuple):
    """A day of a chart, in the portfolio's currency."""

    day: date
    value: Decimal | None
    cost: Decimal | None
    growth: Decimal | None
    filled_assets: int
    unpriced_assets: int


class GrowthOfDay(NamedTuple):
    """What one unit of money had become, for estimates."""

    day: date
    growth: float


class Ends(NamedTuple):
    """What was held of a token at the start and at the end of a period."""

    token_id: UUID
    symbol: str
    name: str
    start_amount: Decimal
    end_amount: Decimal


class FlowOfDay(NamedTuple):
    """What crossed the border of an asset on a day; swaps are money here."""

    token_id: UUID
    day: date
    money_in: Decimal
    money_out: Decimal
    amount_in: Decimal
    amount_out: Decimal
    income: Decimal


@dataclass(frozen=True, slots=True)
class Gain:
    """A use of a lot that realised a gain or a loss; unknown where its cost or its proceeds are."""

    token_id: UUID
    symbol: str
    number: int
    fact_id: UUID
    kind: Use
    used_at: datetime
    quantity: Decimal
    cost: Decimal | None
    proceeds: Decimal | None
    acquired_at: datetime | None
    lot_number: int | None

    @property
    def gain(self) -> Decimal | None:
        """What it brought above what it cost."""
        return None if self.proceeds is None or self.cost is None else self.proceeds - self.cost


@dataclass(frozen=True, slots=True)
class LotOfFact:
    """A lot that a transaction used, and how much of it."""

    lot_number: int | None
    kind: Use
    used_at: datetime
    quantity: Decimal
    cost: Decimal | None
    proceeds: Decimal | None
    acquired_at: datetime | None
    acquired_by: UUID | None
    symbol: str

    @property
    def gain(self) -> Decimal | None:
        """What it brought above what it cost; None where nothing was realised, or one of the two is unknown."""
        return None if self.proceeds is None or self.cost is None else self.proceeds - self.cost


@dataclass(frozen=True, slots=True)
class Realised:
    """The sum of known realised gains, and how many uses have none that is known."""

    gain: Decimal
    unknown: int


class RealisedOfDay(NamedTuple):
    """The sum of a day's known realised gains, how many they are, and how many are not known."""

    day: date
    gain: Decimal
    known: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Period:
    """Days of one portfolio of one user, both included."""

    user_id: UUID
    portfolio_id: UUID
    first: date
    last: date

    def parameters(self, **more: object) -> dict[str, object]:
        """As the statements of this module name them."""
        return {
            "user_id": self.user_id,
            "portfolio_id": self.portfolio_id,
            "first": self.first,
            "last": self.last,
            **more,
        }


def days(conn: Connection, period: Period) -> tuple[DayOfReturn | None, Days]:
    """The day before the period, None where the portfolio began later, and the days of the period."""
    cursor = conn.cursor(row_factory=class_row(DayOfReturn))
    before = cursor.execute(_BEFORE, period.parameters()).fetchone()
    row = conn.execute(_DAYS, period.parameters()).fetchone()
    assert row is not None
    is_known, *texts = row
    ordinals, columns = series.by_day(*texts)
    return before, Days(ordinals, columns, is_known=is_known)


def points(conn: Connection, period: Period, most: int = MAX_POINTS - 2) -> list[Point]:
    """At most `most` + 1 days of the period at even distances, its first and its last among them."""
    cursor = conn.cursor(row_factory=class_row(Point))
    return cursor.execute(_POINTS, period.parameters(most=most)).fetchall()


def growth(conn: Connection, period: Period) -> list[GrowthOfDay]:
    """The growth of each day, from the day before the period on."""
    cursor = conn.cursor(row_factory=class_row(GrowthOfDay))
    return cursor.execute(_GROWTH, period.parameters()).fetchall()


def ends(conn: Connection, period: Period) -> list[Ends]:
    """Each asset of the period, with what was held of it at both ends."""
    cursor = conn.cursor(row_factory=class_row(Ends))
    return cursor.execute(_CONTRIBUTION, period.parameters()).fetchall()


def flows(conn: Connection, period: Period) -> list[FlowOfDay]:
    """What crossed the border of each asset."""
    cursor = conn.cursor(row_factory=class_row(FlowOfDay))
    return cursor.execute(_FLOWS, period.parameters()).fetchall()


def gains(
    conn: Connection,
    period: Period,
    limit: int,
    before: tuple[datetime, UUID, int] | None = None,
) -> Sequence[Gain]:
    """Realised gains and losses, the newest first, from behind `before` on."""
    at, token_id, number = before or (None, None, None)
    parameters = period.parameters(
        limit=limit, before=at, before_token=token_id, before_number=number
    )
    return conn.cursor(row_factory=class_row(Gain)).execute(_GAINS, parameters).fetchall()


def realised(conn: Connection, period: Period) -> Realised:
    """The sum of the realised gains."""
    cursor = conn.cursor(row_factory=class_row(Realised))
    found = cursor.execute(_REALISED, period.parameters()).fetchone()
    assert found is not None
    return found


def realised_by_day(conn: Connection, period: Period) -> list[RealisedOfDay]:
    """The realised gains of each day that has any."""
    cursor = conn.cursor(row_factory=class_row(RealisedOfDay))
    return cursor.execute(_REALISED_BY_DAY, period.parameters()).fetchall()


def lots_of(conn: Connection, user_id: UUID, fact_id: UUID) -> list[LotOfFact]:
    """The lots that a transaction of the user used."""
    cursor = conn.cursor(row_factory=class_row(LotOfFact))
    return cursor.execute(_LOTS_OF_FACT, {"user_id": user_id, "fact_id": fact_id}).fetchall()


@dataclass(frozen=True, slots=True)
class Contribution:
    """What an asset added to a portfolio in a period; None where it had no price at one of the ends."""

    token_id: UUID
    symbol: str
    name: str
    start_value: Decimal | None
    end_value: Decimal | None
    inflow: Decimal | None
    outflow: Decimal | None
    income: Decimal
    gain: Decimal | None


def contribution(
    held: Ends, crossed: Sequence[FlowOfDay], worth: Worth, period: Period
) -> Contribution:
    """What one asset contributed: its value at the end and what went, less its value at the start and what came."""
    with localcontext(EXACT):
        before = period.first - timedelta(days=1)
        start = ZERO if not held.start_amount else worth(held.token_id, held.start_amount, before)
        end = ZERO if not held.end_amount else worth(held.token_id, held.end_amount, period.last)
        came = [_crossed(flow.money_in, flow.amount_in, flow, worth) for flow in crossed]
        went = [_crossed(flow.money_out, flow.amount_out, flow, worth) for flow in crossed]
        inflow, outflow = _sum(came), _sum(went)
        gain = None
        if start is not None and end is not None and inflow is not None and outflow is not None:
            gain = (end + outflow - start - inflow).quantize(UNIT)
        income = sum((flow.income for flow in crossed), ZERO)
    return Contribution(
        held.token_id, held.symbol, held.name, start, end, inflow, outflow, income, gain
    )


def _crossed(money: Decimal, amount: Decimal, flow: FlowOfDay, worth: Worth) -> Decimal | None:
    if not amount:
        return money
    valued = worth(flow.token_id, amount, flow.day)
    return None if valued is None else money + valued


def _sum(parts: Sequence[Decimal | None]) -> Decimal | None:
    if any(part is None for part in parts):
        return None
    return sum((part for part in parts if part is not None), ZERO)
