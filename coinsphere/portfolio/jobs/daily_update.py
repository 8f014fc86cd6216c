"""The daily update: marks, books and values what a new day and late or corrected prices change."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import Connection

from coinsphere.portfolio.jobs import recompute

# What came, changed or went of closes and rates since the last time; the earliest day of each. A token's closes are also those
# of its successor, until that has its own.
_FRESH = "create temporary table fresh (token_id uuid, currency text, day date) on commit drop"
_TAKE_ARRIVALS = """
    with taken as (delete from market.arrivals returning token_id, currency, day)
    insert into fresh
    select token_id, currency, min(day)
    from (
        select token_id, currency, day from taken
        union all
        select e.successor_id, null, taken.day
        from taken join market.asset_events e on e.token_id = taken.token_id
        where e.kind in ('rename', 'swap') and e.successor_id is not null
    ) as arrived
    group by token_id, currency
"""
# Whose job runs now may have read prices before these came, and a portfolio that it values for the first time has no day yet.
_MARK_WAITING = """
    insert into app.valuation_marks (user_id, portfolio_id, from_day)
    select user_id, id, (select min(day) from fresh)
    from app.portfolios
    where exists (select from fresh)
        and user_id in (select user_id from app.booking_marks union select user_id from app.valuation_marks)
"""
# What was earned, swapped or paid as a fee at the market's price, what an event turned into another token at that one's price,
# or the user's own record of it, and whatever was converted at a rate.
_MARK_BOOKINGS = """
    with touched as (
        select t.user_id, t.token_id, t.fee_token_id, t.counter_token_id, t.occurred_at
        from app.transactions t
        join app.portfolios p on p.id = t.portfolio_id
        join fresh f
            on t.occurred_at >= f.day::timestamp at time zone 'UTC'
            and (
                f.token_id = t.fee_token_id and t.fee_token_id not in (t.token_id, coalesce(t.counter_token_id, t.token_id))
                or t.price is null and t.type in ('reward', 'staking', 'airdrop', 'interest') and f.token_id = t.token_id
                or t.price is null and t.type = 'swap' and f.token_id in (t.token_id, t.counter_token_id)
                or t.type = 'swap' and f.token_id = t.counter_token_id and (t.token_id, t.counter_token_id) in (
                    select token_id, successor_id from market.asset_events where kind in ('rename', 'swap')
                )
                or p.currency <> 'USD' and (f.currency in (p.currency, 'USD', t.currency))
                or t.currency <> p.currency and (f.currency in (p.currency, 'USD', t.currency))
            )
        where t.superseded_at is null
    ),
    tokens as (
        select user_id, token_id, occurred_at from touched
        union all select user_id, fee_token_id, occurred_at from touched where fee_token_id is not null
        union all select user_id, counter_token_id, occurred_at from touched where counter_token_id is not null
        union all
        select u.user_id, token.id, u.used_at
        from fresh f
        join market.asset_events e on e.successor_id = f.token_id and e.kind in ('rename', 'swap')
        join app.lot_uses u
            on u.fact_id = e.id and u.kind = 'conversion' and u.used_at >= f.day::timestamp at time zone 'UTC'
        cross join lateral (values (e.token_id), (e.successor_id)) token (id)
    )
    insert into app.booking_marks (user_id, token_id, since)
    select user_id, token_id, min(occurred_at) from tokens group by user_id, token_id
"""
# A portfolio's values end with the last closed day; what was held on a fresh day is valued anew from it on.
_MARK_VALUES = """
    insert into app.valuation_marks (user_id, portfolio_id, from_day)
    select s.user_id, s.portfolio_id, least(newest.next_day, touched.day, converted.day)
    from app.portfolio_states s
    join app.portfolios p on p.id = s.portfolio_id
    cross join lateral (
        select coalesce(max(v.day) + 1, s.first_day) as next_day
        from app.portfolio_values_daily v
        where v.portfolio_id = s.portfolio_id
    ) newest
    cross join lateral (
        select min(greatest(f.day, held.from_day)) as day
        from app.positions held
        join fresh f on f.token_id = held.token_id and f.day < held.until_day
        where held.portfolio_id = s.portfolio_id
    ) touched
    cross join lateral (
        select min(f.day) as day
        from fresh f
        left join market.tokens t on t.id = f.token_id
        where p.currency <> 'USD' and (f.currency in (p.currency, 'USD') or t.symbol = p.currency)
    ) converted
    where s.first_day is not null and least(newest.next_day, touched.day, converted.day) < %(today)s
"""
_MARKED_USERS = """
    select user_id from app.booking_marks union select user_id from app.valuation_marks order by 1
"""


@dataclass(frozen=True, slots=True)
class Updated:
    """The counts of a daily update: marks set, users that had any, tokens booked and portfolios valued."""

    tokens: int
    portfolios: int
    users: int
    steps: int


def update(conn: Connection, now: datetime) -> Updated:
    """Bring the values of all portfolios to the last closed day. `conn` in autocommit, in the role of the pipeline."""
    tokens, portfolios = mark(conn, now)
    users: list[UUID] = [row[0] for row in conn.execute(_MARKED_USERS).fetchall()]
    steps = sum(recompute.update(conn, user_id, now) for user_id in users)
    return Updated(tokens, portfolios, len(users), steps)


def mark(conn: Connection, now: datetime) -> tuple[int, int]:
    """Mark what is to be booked and valued again. Returns how many tokens of users, and how many portfolios. `conn` as for `update`."""
    with conn.transaction():
        conn.execute(_FRESH)
        conn.execute(_TAKE_ARRIVALS)
        conn.execute(_MARK_WAITING)
        tokens = conn.execute(_MARK_BOOKINGS).rowcount
        portfolios = conn.execute(_MARK_VALUES, {"today": now.date()}).rowcount
    return tokens, portfolios
