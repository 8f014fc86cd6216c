"""What was believed of a panel's days and is no more, from the revisions of their candles: ADR 0345."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection

from coinsphere.clock import start_of_day
from ml.data.panel import Belief, Panel

# The second part is of days that came in later, as by an import of years: nobody knew them before, so there the first
# value stands that a correction replaced. A judgement takes effect at once there: what a check or a person found wrong
# in an import was never used, and does not come back.
_BELIEFS = """
    with past as (
        select
            t.id as token_id, (r.opened_at at time zone 'UTC')::date as day, r.id, r.believed_from, r.believed_until,
            r.open * l.old_units / l.new_units as open, r.high * l.old_units / l.new_units as high,
            r.low * l.old_units / l.new_units as low, r.close * l.old_units / l.new_units as close,
            r.volume * l.new_units / l.old_units as volume,
            r.quality <> 'suspect' as is_sound,
            coalesce(r.reason, 'corrected') like 'corrected%%' as is_corrected,
            min(r.believed_from) over (partition by t.id, r.opened_at) as known_since
        from unnest(%(token_ids)s::uuid[]) as t (id)
        cross join lateral market.price_line(t.id, 'infinity') l
        join market.price_revisions r on r.token_id = l.source_id and r.interval = l.interval
            and r.opened_at >= l.from_at and r.opened_at < l.until_at
        where l.interval = '1d' and r.opened_at between %(first)s and %(last)s
    )
    select token_id, day, is_sound, open, high, low, close, volume, believed_from, believed_until from past
    union all
    (
        select distinct on (token_id, day)
            token_id, day, true, open, high, low, close, volume, null, known_since
        from past
        where is_sound and is_corrected
        order by token_id, day, id
    )
"""
_UNKNOWN = (float("nan"),) * 5


def joined(conn: Connection, candles: Panel) -> Panel:
    """The panel with what was believed of its days and is no more.

    Args:
        conn: of the pipeline or the API.
        candles: a panel of the database; one of files has no past.
    """
    symbols = dict(zip(candles.token_ids, candles.symbols, strict=True))
    return replace(candles, beliefs=of(conn, symbols, candles.first_day, candles.last_day))


def of(
    conn: Connection, symbols: Mapping[UUID, str], first: date, last: date
) -> tuple[Belief, ...]:
    """What was believed of tokens' days from `first` to `last` and is no more.

    Args:
        conn: of the pipeline or the API.
        symbols: by which the tokens are named.
        first: the first day.
        last: the last day.
    """
    asked = {
        "token_ids": list(symbols),
        "first": start_of_day(first),
        "last": start_of_day(last),
    }
    rows = conn.execute(_BELIEFS, asked).fetchall()
    beliefs = [_belief(symbols, *row) for row in rows]
    # What was learned and corrected between two closes no day ever saw.
    return tuple(each for each in beliefs if max(each.first, each.day) < each.end)


def _belief(
    symbols: Mapping[UUID, str],
    token_id: UUID,
    day: date,
    is_sound: bool,
    *columns: Any,
) -> Belief:
    *numbers, since, until = columns
    candle = [float("nan") if number is None else float(number) for number in numbers]
    return Belief(
        symbols[token_id],
        day,
        candle if is_sound else _UNKNOWN,
        date.min if since is None else _first_close_after(since),
        _first_close_after(until),
    )


def _first_close_after(moment: datetime) -> date:
    """The first day that closes at the moment or later, which is one that saw what was learned then."""
    return (moment.astimezone(UTC) - timedelta(microseconds=1)).date()
