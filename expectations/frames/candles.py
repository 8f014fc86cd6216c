"""Daily candles of active tokens, as the candle suite asks about them."""

from datetime import datetime, timedelta
from typing import LiteralString

import pandas as pd
from psycopg import Connection

from expectations.frames import columns, contradictions, venues
from expectations.frames.columns import (
    LEAST_VOLATILITY,
    SIMULATED,
    days_missing_before,
    foreign,
    in_days,
    logarithm,
)

_CANDLES: LiteralString = f"""
    select
        t.id::text as token_id, t.symbol, t.peg_usd::float8 as peg_usd, d.opened_at as day,
        d.open::float8 as open, d.high::float8 as high, d.low::float8 as low, d.close::float8 as close,
        d.volume::float8 as volume, d.source, d.is_final, h.close::float8 as second_close,
        {venues.COLUMNS},
        exists (
            select from market.set_aside s
            where s.token_id = d.token_id and s.scope = 'candle' and s.about = d.opened_at and s.state = 'released'
        ) as vouched
    from market.price_data d
    join market.tokens t on t.id = d.token_id
    left join market.price_data h
        on h.token_id = d.token_id and h.interval = '1h' and h.opened_at = d.opened_at + interval '23 hours'
        and h.is_final and d.is_final and h.quality <> 'suspect'
    {venues.join("d", "1 day")}
    where d.interval = '1d' and t.is_active
      and d.opened_at > (
          select max(opened_at) from market.price_data where interval = '1d' and opened_at <= %(now)s
      ) - make_interval(days => %(days)s)
    order by t.symbol, t.id, d.opened_at
"""  # noqa: S608 - constants alone

_VOLATILITY_DAYS = 90
_LEAST_RETURNS = 30
_UNDONE_WITHIN = 5
_UNDONE_LEAST = 0.45
_UNDONE_DEVIATIONS = 8


def read(conn: Connection, now: datetime, days: int) -> pd.DataFrame:
    """The last `days` days of daily candles of active tokens, with the measures of `with_measures`."""
    return with_measures(columns.read(conn, _CANDLES, {"days": days, "now": now}), now)


def with_measures(raw: pd.DataFrame, now: datetime) -> pd.DataFrame:
    """`raw` and what the candle suite asks about.

    Args:
        raw: `token_id`, `symbol`, `peg_usd`, `day` (UTC), open, high, low, close, `volume`, `source`, `is_final` and
            `second_close`, ascending by token and day; what `venues.gap` takes; `vouched`, where there, tells which a person believes.
        now: the instant past which nothing can be known.
    """
    frame = raw.reset_index(drop=True)
    prices = frame[["open", "high", "low", "close"]]
    edge = frame["day"] + pd.to_timedelta(frame["is_final"].astype(int), unit="D")
    newest = frame["day"].where(frame["day"] <= now).max()
    last = ~frame.duplicated("token_id", keep="last")
    measured = frame.assign(
        prices_missing=prices.isna().sum(axis=1),
        least_price=prices.min(axis=1),
        range_margin=columns.range_margin(frame),
        days_ahead=in_days(edge - now),
        is_foreign=foreign(frame["source"] == SIMULATED),
        days_missing_before=days_missing_before(frame),
        days_behind=in_days(newest - frame["day"]).where(last),
        days_unfinished=in_days(newest - frame["day"]).where(~frame["is_final"]),
        second_source_gap=logarithm(frame["close"] / frame["second_close"]).abs(),
        venues_gap=venues.gap(frame),
        peg_gap=(frame["close"] / frame["peg_usd"] - 1).abs(),
        **_jumps(frame),
    )
    stray = contradictions.stray(measured, "day", timedelta(days=1), measured["days_ahead"])
    # The moves of those that are far from their neighbours, and explained; the way back from a stray explains nothing.
    is_explained = (stray == 0) & (stray.shift(fill_value=0) == 0)
    return measured.assign(stray=stray, confirmed_move=measured["move"].where(is_explained))


def _jumps(frame: pd.DataFrame) -> dict[str, pd.Series]:
    """Daily moves of unpegged tokens: as log returns, in units of volatility, and how far they were undone.

    The move into a day after a gap is unknown. `spring_back` is the part of a move that the next days take back, over
    what is allowed; above 1 is too far.
    """
    log = logarithm(frame["close"]).where(frame["peg_usd"].isna())
    tokens = frame["token_id"]
    move = log.groupby(tokens).diff().where(days_missing_before(frame) == 0)
    volatility = move.groupby(tokens).transform(
        lambda series: series.rolling(_VOLATILITY_DAYS, min_periods=_LEAST_RETURNS).std().shift(1)
    )
    volatility = volatility.clip(lower=LEAST_VOLATILITY)
    allowed = (_UNDONE_DEVIATIONS * volatility).clip(lower=_UNDONE_LEAST)
    return {
        "move": move,
        "jump": move.abs() / volatility,
        "spring_back": _undone(log, move, tokens) / allowed,
    }


def _undone(log: pd.Series, move: pd.Series, tokens: pd.Series) -> pd.Series:
    """The greatest part of each move that one of the next days takes back; 0 where none does."""
    parts = []
    for days in range(1, _UNDONE_WITHIN + 1):
        back = log.groupby(tokens).shift(-days) - log
        smaller = pd.concat([back.abs(), move.abs()], axis=1).min(axis=1)
        parts.append(smaller.where(back * move < 0, 0.0))
    return pd.concat(parts, axis=1).max(axis=1)
