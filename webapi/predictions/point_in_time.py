"""Forecasts as known at a past instant: those issued by then, with the outcomes known then."""

from datetime import datetime
from typing import LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from webapi.predictions.queries import STORED, After, Stored

STATE_THEN: LiteralString = """cross join lateral (
        select t.state from market.set_aside_trail t
        where t.set_aside_id = s.id and t.at <= %(as_of)s
        order by t.at desc, t.id desc
        limit 1
    ) known"""
"""The state at that moment of what was set aside (`s`), as `known.state`."""
# Nothing that was recorded later counts: no forecast, no candle, no correction of one, and no judgement of a check.
_HISTORY: LiteralString = f"""
    {STORED}
    left join (
        select opened_at, close from market.candles_in_line(%(token_id)s, %(as_of)s)
        where interval = '1d' and is_final and quality <> 'suspect'
    ) realised on realised.opened_at = p.target_at - interval '24 hours'
    where p.token_id = %(token_id)s and p.horizon_days = %(days)s and not p.is_shadow and p.issued_at <= %(as_of)s
      and not exists (
          select
          from market.set_aside s
          {STATE_THEN}
          where s.token_id = p.token_id and s.scope = 'forecast' and s.about = p.origin_at and known.state = 'held'
      )
      and (%(after_id)s::uuid is null or (p.origin_at, p.id) < (%(after_origin)s, %(after_id)s))
    order by p.origin_at desc, p.id desc
    limit %(limit)s
"""  # noqa: S608 - constants alone


def history(
    conn: Connection,
    token_id: UUID,
    days: int,
    after: After | None,
    limit: int,
    *,
    as_of: datetime,
) -> list[Stored]:
    """Forecasts issued by `as_of`, newest first, each with the close that was known then.

    What was held out is not among them, as it was shown to nobody.

    Args:
        conn: a connection.
        token_id: the token.
        days: the horizon.
        after: the forecast that the page begins behind; None for the first page.
        limit: at most so many.
        as_of: the moment; nothing that was recorded later counts.
    """
    if after is not None and after.prediction_id is None:
        return []  # Behind one that was held out, no issued one follows.
    parameters = {
        "token_id": token_id,
        "days": days,
        "as_of": as_of,
        "after_origin": after.origin_at if after else None,
        "after_id": after.prediction_id if after else None,
        "limit": limit,
    }
    return conn.cursor(row_factory=class_row(Stored)).execute(_HISTORY, parameters).fetchall()
