"""The quality of market data day by day: of each token, and of each venue that quotes it.

Prices that venues agree on are read as they were at the first minute that there is of each hour, and what each venue said of
them at that of each three: the work grows with tokens and days that are asked for, and not with what is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import args_row, class_row

_HOUR = timedelta(hours=1)
_GRACE = _HOUR
"""A candle is missed when its time has been over for so long."""


class Window(NamedTuple):
    """Days in UTC, both included."""

    first: date
    last: date

    @classmethod
    def of(cls, days: int, now: datetime) -> "Window":
        """The window of so many days that ends today."""
        today = now.astimezone(UTC).date()
        return cls(today - timedelta(days=days - 1), today)


class Followed(NamedTuple):
    """A token whose quality is reported."""

    id: UUID
    symbol: str


@dataclass(frozen=True, slots=True)
class TokenDay:
    """A token's day. `age` is the greatest age of its price in seconds; `disagreement` its confidence in bp.

    `expected_hours` is None of days before the first hourly candle, `has_day` of days before the first daily one, and of
    today.
    """

    token_id: UUID
    symbol: str
    day: date
    hours: int
    expected_hours: int | None
    has_day: bool | None
    age: float | None
    disagreement: Decimal | None
    quarantined: int
    revisions: int

    @property
    def completeness(self) -> float | None:
        """The part of the candles that are there; without its daily one a day has none. None where none is expected."""
        if self.has_day is None and not self.expected_hours:
            return None
        hours = min(1.0, self.hours / self.expected_hours) if self.expected_hours else 1.0
        return 0.0 if self.has_day is False else hours


@dataclass(frozen=True, slots=True)
class VenueDay:
    """A venue's day: how many prices it was expected in, quoted and voted in; age in seconds, distance in bp."""

    venue: str
    day: date
    expected: int
    answered: int
    votes: int
    age: float | None
    disagreement: Decimal | None
    quarantined: int
    revisions: int

    @property
    def completeness(self) -> float | None:
        """The share of prices that the venue quoted; None where none was expected."""
        return self.answered / self.expected if self.expected else None


_FOLLOWED = """
    select id, symbol from market.tokens
    where case when %(token_id)s::uuid is null then is_active else id = %(token_id)s end
        and (%(symbol)s::text is null or (symbol, id) > (%(symbol)s, %(after)s::uuid))
    order by symbol, id
    limit %(limit)s
"""
_DAYS = """
    with chosen as (
        select id, symbol from unnest(%(ids)s::uuid[], %(symbols)s::text[]) as chosen (id, symbol)
    ),
    days as (
        select day, day + interval '1 day' as until from generate_series(%(since)s::timestamptz, %(last)s, '1 day') as day
    ),
    samples as (
        select chosen.id as token_id, date_trunc('day', hour, 'UTC') as day, found.*
        from chosen
        cross join generate_series(%(since)s::timestamptz, least(%(until)s, %(now)s::timestamptz), %(every)s) as hour
        cross join lateral (
            select c.valid_at, c.price, c.confidence, c.agreed_at, c.constituents from market.consensus c
            where c.token_id = chosen.id and c.valid_at >= hour and c.valid_at < least(hour + %(every)s, %(until)s)
            order by c.valid_at limit 1
        ) found
    ),
"""
# What began before these days is known by the newest candle before them: no partition further back is looked at.
_OF_TOKENS = f"""{_DAYS}
    candles as (
        select p.token_id, date_trunc('day', p.opened_at, 'UTC') as day,
            count(*) filter (where p.interval = '1h' and p.is_final and p.opened_at < %(due)s and p.quality <> 'suspect')
                as hours,
            count(*) filter (where p.interval = '1d' and p.quality <> 'suspect') as days,
            min(p.opened_at) filter (where p.interval = '1h') as first_hour,
            min(p.opened_at) filter (where p.interval = '1d') as first_day
        from market.price_data p
        where p.token_id = any(%(ids)s) and p.opened_at >= %(since)s and p.opened_at < %(until)s
        group by 1, 2
    ),
    begun as (
        select chosen.id as token_id,
            coalesce((
                select opened_at from market.price_data
                where token_id = chosen.id and interval = '1h' and opened_at < %(since)s order by opened_at desc limit 1
            ), (select min(first_hour) from candles where token_id = chosen.id)) as hour,
            coalesce((
                select opened_at from market.price_data
                where token_id = chosen.id and interval = '1d' and opened_at < %(since)s order by opened_at desc limit 1
            ), (select min(first_day) from candles where token_id = chosen.id)) as day
        from chosen
    ),
    agreed as (
        select token_id, day, max(extract(epoch from valid_at - agreed_at)) as age,
            round(avg(confidence / price) * 10000, 2) as disagreement
        from samples group by 1, 2
    ),
    faults as (
        select token_id, date_trunc('day', at, 'UTC') as day, count(*) filter (where not is_revision) as quarantined,
            count(*) filter (where is_revision) as revisions
        from (
            select token_id, since as at, false as is_revision from market.set_aside
            where since >= %(since)s and since < %(until)s
            union all
            select token_id, quarantined_at, false from market.quarantine
            where quarantined_at >= %(since)s and quarantined_at < %(until)s
            union all
            select token_id, believed_until, true from market.price_revisions
            where believed_until >= %(since)s and believed_until < %(until)s
        ) as each
        where token_id = any(%(ids)s)
        group by 1, 2
    )
    select chosen.id as token_id, chosen.symbol, (days.day at time zone 'UTC')::date as day, coalesce(c.hours, 0) as hours,
        case when begun.hour < days.until then greatest(0, extract(epoch from
            least(days.until, %(due)s) - greatest(days.day, begun.hour)) / 3600)::int end as expected_hours,
        case when begun.day < days.until and days.until <= %(due)s then coalesce(c.days, 0) > 0 end as has_day,
        a.age::float8 as age, a.disagreement, coalesce(f.quarantined, 0) as quarantined, coalesce(f.revisions, 0) as revisions
    from chosen
    cross join days
    join begun on begun.token_id = chosen.id
    left join candles c on c.token_id = chosen.id and c.day = days.day
    left join agreed a on a.token_id = chosen.id and a.day = days.day
    left join faults f on f.token_id = chosen.id and f.day = days.day
    order by chosen.symbol, chosen.id, days.day
"""  # noqa: S608 - constants alone
# A venue has several markets of a token and one voice: its nearest, newest one.
_OF_VENUES = f"""{_DAYS}
    voices as (
        select s.token_id, s.day, s.valid_at, said->>'venue' as venue, min((said->>'age')::float8) as age,
            min((said->>'apart')::numeric) as apart, bool_or((said->>'weight')::numeric > 0) as has_voted
        from samples s
        cross join lateral jsonb_array_elements(s.constituents) as said
        group by 1, 2, 3, 4
    ),
    -- A venue is expected to speak of those tokens of which it ever did in these days.
    expected as (
        select pairs.venue, counted.day, sum(counted.samples) as samples
        from (select distinct venue, token_id from voices) as pairs
        join (select token_id, day, count(*) as samples from samples group by 1, 2) as counted using (token_id)
        group by 1, 2
    ),
    spoken as (
        select venue, day, count(*) as answered, count(*) filter (where has_voted) as votes,
            percentile_cont(0.5) within group (order by age) as age, round(avg(apart), 2) as disagreement
        from voices group by 1, 2
    ),
    faults as (
        select source, date_trunc('day', at, 'UTC') as day, count(*) filter (where not is_revision) as quarantined,
            count(*) filter (where is_revision) as revisions
        from (
            select token_id, source, quarantined_at as at, false as is_revision from market.quarantine
            where quarantined_at >= %(since)s and quarantined_at < %(until)s
            union all
            select token_id, source, believed_until, true from market.price_revisions
            where believed_until >= %(since)s and believed_until < %(until)s
        ) as each
        where token_id = any(%(ids)s)
        group by 1, 2
    )
    select names.venue, (days.day at time zone 'UTC')::date as day, coalesce(e.samples, 0)::int as expected,
        coalesce(s.answered, 0) as answered, coalesce(s.votes, 0) as votes, s.age, s.disagreement,
        coalesce(f.quarantined, 0) as quarantined, coalesce(f.revisions, 0) as revisions
    from (select distinct venue from voices) as names
    cross join days
    left join expected e on e.venue = names.venue and e.day = days.day
    left join spoken s on s.venue = names.venue and s.day = days.day
    left join faults f on f.source = names.venue and f.day = days.day
    order by names.venue, days.day
"""  # noqa: S608 - constants alone


def followed(
    conn: Connection, limit: int, *, token_id: UUID | None = None, after: Followed | None = None
) -> list[Followed]:
    """Tokens that are traded, by symbol, after `after`; or that one alone, traded or not."""
    parameters = {
        "token_id": token_id,
        "symbol": after and after.symbol,
        "after": after and after.id,
        "limit": limit,
    }
    cursor = conn.cursor(row_factory=args_row(Followed))
    return cursor.execute(_FOLLOWED, parameters).fetchall()


def of_tokens(
    conn: Connection, chosen: Sequence[Followed], window: Window, now: datetime
) -> list[TokenDay]:
    """Each day of each of these tokens, by symbol, oldest first."""
    cursor = conn.cursor(row_factory=class_row(TokenDay))
    return cursor.execute(_OF_TOKENS, _arguments(chosen, window, now, _HOUR)).fetchall()


def of_venues(
    conn: Connection, chosen: Sequence[Followed], window: Window, now: datetime
) -> list[VenueDay]:
    """Each day of each venue that spoke of one of these tokens, by name, oldest first."""
    cursor = conn.cursor(row_factory=class_row(VenueDay))
    return cursor.execute(_OF_VENUES, _arguments(chosen, window, now, 3 * _HOUR)).fetchall()


def _arguments(
    chosen: Sequence[Followed], window: Window, now: datetime, every: timedelta
) -> dict[str, object]:
    since, last = (datetime.combine(day, time(), UTC) for day in window)
    due = (now - _GRACE).replace(minute=0, second=0, microsecond=0)
    return {
        "ids": [each.id for each in chosen],
        "symbols": [each.symbol for each in chosen],
        "since": since,
        "last": last,
        "until": last + timedelta(days=1),
        "now": now,
        "due": due,
        "every": every,
    }
