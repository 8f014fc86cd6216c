"""Realised gains of a period, and the lots that a transaction used. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.portfolio.model import Use
from coinsphere.portfolio.performance.period import Period

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
_REALISED_OF_EACH = """
    select token_id, coalesce(sum(proceeds - cost), 0) as gain,
        count(*) filter (where proceeds is null or cost is null)::integer as unknown
    from app.lot_uses
    where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and kind in ('sale', 'swap', 'fee', 'lost')
    group by token_id
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
        """The proceeds less the cost."""
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
        """The proceeds less the cost; None where nothing was realised, or one of the two is unknown."""
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


def gains(
    conn: Connection,
    period: Period,
    limit: int,
    before: tuple[datetime, UUID, int] | None = None,
) -> Sequence[Gain]:
    """Realised gains and losses, the newest first, after `before`."""
    at, token_id, number = before or (None, None, None)
    parameters = period.parameters(
        limit=limit, before=at, before_token=token_id, before_number=number
    )
    return conn.cursor(row_factory=class_row(Gain)).execute(_GAINS, parameters).fetchall()


def realised(conn: Connection, period: Period) -> Realised:
    """The sum of the realised gains."""
    cursor = conn.cursor(row_factory=class_row(Realised))
    row = cursor.execute(_REALISED, period.parameters()).fetchone()
    assert row is not None
    return row


def realised_by_day(conn: Connection, period: Period) -> list[RealisedOfDay]:
    """The realised gains of each day that has any."""
    cursor = conn.cursor(row_factory=class_row(RealisedOfDay))
    return cursor.execute(_REALISED_BY_DAY, period.parameters()).fetchall()


def realised_by_token(conn: Connection, user_id: UUID, portfolio_id: UUID) -> dict[UUID, Realised]:
    """The realised gains of each token that has any, since the beginning."""
    rows = conn.execute(_REALISED_OF_EACH, {"user_id": user_id, "portfolio_id": portfolio_id})
    return {token_id: Realised(gain, unknown) for token_id, gain, unknown in rows}


def lots_of(conn: Connection, user_id: UUID, fact_id: UUID) -> list[LotOfFact]:
    """The lots that a transaction of the user used."""
    cursor = conn.cursor(row_factory=class_row(LotOfFact))
    return cursor.execute(_LOTS_OF_FACT, {"user_id": user_id, "fact_id": fact_id}).fetchall()
