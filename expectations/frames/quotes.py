"""The newest quote of each active token."""

from datetime import datetime

import numpy as np
import pandas as pd
from psycopg import Connection

from expectations.frames import columns
from expectations.frames.columns import (
    DAY_SECONDS,
    LEAST_VOLATILITY,
    foreign,
    is_simulated,
    logarithm,
)

_QUOTES = """
    with returns as (
        select
            token_id, opened_at, close,
            ln(close / lag(close) over (partition by token_id order by opened_at)) as log_return
        from market.price_data
        where interval = '1d' and is_final and quality <> 'suspect' and opened_at <= %(now)s
          and opened_at > (
              select max(opened_at) from market.price_data where interval = '1d' and opened_at <= %(now)s
          ) - interval '91 days'
    ),
    recent as (
        select
            token_id, max(opened_at) + interval '1 day' as closed_at, stddev_samp(log_return)::float8 as volatility,
            (array_agg(close order by opened_at desc))[1]::float8 as last_close
        from returns
        group by token_id
    )
    select
        t.id::text as token_id, t.symbol, t.peg_usd::float8 as peg_usd, q.price::float8 as price,
        q.volume_24h::float8 as volume_24h, q.market_cap::float8 as market_cap, q.source, q.observed_at,
        recent.closed_at, recent.volatility, recent.last_close
    from market.tokens t
    left join market.quotes q on q.token_id = t.id
    left join recent on recent.token_id = t.id
    where t.is_active
    order by t.symbol, t.id
"""
_ORIGIN = "select source from market.origin"


def read(conn: Connection, now: datetime, stale_seconds: int) -> pd.DataFrame:
    """The newest quote of each active token, null where it has none.

    `staleness` is its age over `stale_seconds`, `jump` its distance from the last daily close in units of the
    volatility over the time since.
    """
    frame = columns.read(conn, _QUOTES, {"now": now})
    age = (now - frame["observed_at"]).dt.total_seconds()
    since_close = (frame["observed_at"] - frame["closed_at"]).dt.total_seconds() / DAY_SECONDS
    deviation = frame["volatility"].clip(lower=LEAST_VOLATILITY) * np.sqrt(
        since_close.clip(lower=1)
    )
    is_history = _is_history(conn)
    return frame.assign(
        least_amount=frame[["volume_24h", "market_cap"]].min(axis=1),
        seconds_ahead=-age,
        staleness=np.nan if is_history else age / stale_seconds,
        is_foreign=foreign(is_simulated(frame["source"])),
        jump=logarithm(frame["price"] / frame["last_close"]).abs() / deviation,
        peg_gap=(frame["price"] / frame["peg_usd"] - 1).abs(),
    )


def _is_history(conn: Connection) -> bool:
    row = conn.execute(_ORIGIN).fetchone()
    return row is not None and row[0] == "files"
