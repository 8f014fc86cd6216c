"""Candles of minutes, for frames of a day and less, made of each minute's consensus price."""

from datetime import timedelta
from typing import LiteralString

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WIDTHS = {HOUR: timedelta(minutes=1), DAY: timedelta(minutes=5)}
"""Width of a candle by the length of the frame: 60 points of an hour, 288 of a day."""

_LEAST = {HOUR: 15, DAY: 230}
"""Candles that must be there: a quarter of an hour tells more of it than two hours' candles, but 24 hours know more of a
day than half a day of minutes."""

# No minute is drawn where a newer hour is known, nor across a change of the token's name or unit, whose ratio only
# stored candles are read with. What is said again of an older minute is no price of that minute. Until venues agree on
# another, the last price stands: so a candle opens with what the one before it closed with.
STATEMENT: LiteralString = """
    with newest as (
        select c.valid_at, c.valid_at - %(span)s::interval as since
        from market.consensus c
        where c.token_id = %(token_id)s and c.agreed_at = c.valid_at and c.valid_at <= %(as_of)s
            and c.recorded_at <= %(as_of)s
        order by c.valid_at desc limit 1
    ),
    buckets as (
        select
            date_bin(%(width)s, c.valid_at, '2000-01-01Z') as opened_at,
            (array_agg(c.price order by c.valid_at))[1] as first,
            max(c.price) as high,
            min(c.price) as low,
            (array_agg(c.price order by c.valid_at desc))[1] as close
        from newest n
        join market.consensus c on c.token_id = %(token_id)s and c.valid_at > n.since and c.valid_at <= n.valid_at
            and c.agreed_at = c.valid_at and c.recorded_at <= %(as_of)s
        where not exists (
                select from market.price_data p
                where p.token_id = %(token_id)s and p.interval = '1h' and p.opened_at > n.valid_at and p.opened_at <= %(as_of)s
            )
            and not exists (
                select from market.asset_events e
                where e.removed_at is null and e.happened_at >= n.since and e.happened_at <= clock_timestamp()
                    and (e.token_id = %(token_id)s or e.successor_id = %(token_id)s)
            )
        group by 1
    ),
    candles as (
        select
            opened_at, high, low, close,
            case when lag(opened_at) over earlier = opened_at - %(width)s::interval then lag(close) over earlier else first end
                as open
        from buckets
        window earlier as (order by opened_at)
    )
    select
        opened_at, open, greatest(high, open) as high, least(low, open) as low, close,
        null::numeric as volume,
        coalesce((select q.source from market.quotes q where q.token_id = %(token_id)s), 'consensus') as source,
        false as is_filled,
        %(interval)s::text as interval
    from candles
    order by opened_at
"""


def are_enough(count: int, span: timedelta) -> bool:
    """Whether `count` candles draw a frame of `span` better than hourly ones."""
    return count >= _LEAST[span]


def interval(span: timedelta) -> str:
    """The width of a frame's candles as the wire names it: `1m` or `5m`."""
    return f"{WIDTHS[span] // timedelta(minutes=1)}m"
