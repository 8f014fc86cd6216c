"""Hourly candles of active tokens, as the hourly suite asks about them."""

from datetime import datetime, timedelta
from typing import LiteralString

import pandas as pd
from psycopg import Connection

from expectations.frames import columns, contradictions, venues
from expectations.frames.columns import SIMULATED, foreign, logarithm

_CANDLES: LiteralString = f"""
    select
        t.id::text as token_id, t.symbol, t.peg_usd::float8 as peg_usd, h.opened_at, h.open::float8 as open,
        h.high::float8 as high, h.low::float8 as low, h.close::float8 as close, h.volume::float8 as volume, h.source,
        h.is_final,
        {venues.COLUMNS},
        exists (
            select from market.set_aside s
            where s.token_id = h.token_id and s.scope = 'hour' and s.about = h.opened_at and s.state = 'released'
        ) as vouched
    from market.price_data h
    join market.tokens t on t.id = h.token_id
    {venues.join("h", "1 hour")}
    where h.interval = '1h' and t.is_active
      and h.opened_at > (
          select max(opened_at) from market.price_data where interval = '1h' and opened_at <= %(now)s
      ) - make_interval(days => %(days)s)
    order by t.symbol, t.id, h.opened_at
"""  # noqa: S608 - constants alone
_HOUR_SECONDS = 3600.0


def read(conn: Connection, now: datetime, days: int) -> pd.DataFrame:
    """The last `days` days of hourly candles of active tokens, with the measures of `with_measures`."""
    return with_measures(columns.read(conn, _CANDLES, {"days": days, "now": now}), now)


def with_measures(raw: pd.DataFrame, now: datetime) -> pd.DataFrame:
    """`raw` and what the suite asks about.

    Args:
        raw: `token_id`, `symbol`, `peg_usd`, `opened_at` (UTC), open, high, low, close, `volume`, `source` and `is_final`,
            ascending by token and time; what `venues.gap` takes; `vouched`, where there, tells which a person believes.
        now: the instant past which nothing can be known.
    """
    frame = raw.reset_index(drop=True)
    prices = frame[["open", "high", "low", "close"]]
    edge = frame["opened_at"] + pd.to_timedelta(frame["is_final"].astype(int), unit="h")
    newest = frame["opened_at"].where(frame["opened_at"] <= now).max()
    last = ~frame.duplicated("token_id", keep="last")
    step = _hours(frame.groupby("token_id")["opened_at"].diff())
    ahead = _hours(edge - now)
    stray = contradictions.stray(frame, "opened_at", timedelta(hours=1), ahead)
    log = logarithm(frame["close"]).where(frame["peg_usd"].isna() & (stray == 0))
    return frame.assign(
        prices_missing=prices.isna().sum(axis=1),
        least_price=prices.min(axis=1),
        range_margin=columns.range_margin(frame),
        hours_ahead=ahead,
        is_foreign=foreign(frame["source"] == SIMULATED),
        hours_missing_before=(step - 1).clip(lower=0).fillna(0),
        hours_behind=_hours(newest - frame["opened_at"]).where(last),
        hours_unfinished=_hours(newest - frame["opened_at"]).where(~frame["is_final"].astype(bool)),
        stray=stray,
        # The move into an hour after a gap, or after one that is set aside, is unknown.
        move=log.groupby(frame["token_id"]).diff().where(step == 1),
        venues_gap=venues.gap(frame),
        peg_gap=(frame["close"] / frame["peg_usd"] - 1).abs(),
    )


def _hours(span: pd.Series) -> pd.Series:
    return pd.Series(span.dt.total_seconds() / _HOUR_SECONDS)
