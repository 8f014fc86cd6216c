"""The features that models are trained on."""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
from psycopg import Connection

from expectations.frames import columns
from expectations.frames.columns import (
    days_missing_before,
    in_days,
)

_FEATURES = """
    select
        t.id::text as token_id, t.symbol, t.peg_usd::float8 as peg_usd, f.price_date::timestamp as day, f.close_at,
        f.close::float8 as close, f.log_return, f.ewma_volatility, f.rolling_volatility_30d, f.rsi_14, f.macd_signal,
        f.bollinger_upper, f.is_filled, coalesce(p.quality = 'confirmed', false) as is_confirmed,
        row_number() over (partition by f.token_id order by f.price_date) as nth_day
    from marts.ml_features_daily f
    join market.tokens t on t.id = f.token_id
    left join market.price_data p
        on p.token_id = f.token_id and p.interval = '1d' and p.opened_at = f.price_date::timestamp at time zone 'UTC'
    where f.is_final and t.is_active
    order by t.symbol, t.id, f.price_date
"""

_INDICATORS = [
    "log_return", "ewma_volatility", "rolling_volatility_30d", "rsi_14", "macd_signal", "bollinger_upper",
]  # fmt: skip
_WARM_UP = 35
"""Days after which every indicator is known; the MACD's signal is the last, on day 34."""
_MOST_RSI = 100 + 1e-9
"""A hundred, and what rounding adds."""
LEAST_HISTORY = 270
"""Real days that make a training set, as `ml.data.windows.minimum_days` says."""
_STUCK_DAYS = 6
_STUCK_PEGGED_DAYS = 30
"""Days that a close may stay the same; a peg may hold for long, but not to the last digit."""


def read(conn: Connection, now: datetime, trained: Sequence[str]) -> pd.DataFrame:
    """All final days of `marts.ml_features_daily` of active tokens.

    `filled_share`, and `days_short` for the symbols in `trained`, stand on the last row of each token alone.
    """
    frame = columns.read(conn, _FEATURES, {})
    last = ~frame.duplicated("token_id", keep="last")
    by_token = frame.groupby("token_id")["is_filled"]
    real_days = by_token.transform("size") - by_token.transform("sum")
    unchanged = _unchanged(frame)
    patience = frame["peg_usd"].isna().map({True: _STUCK_DAYS, False: _STUCK_PEGGED_DAYS})
    return frame.assign(
        close_missing=frame["close"].isna().astype(int),
        days_ahead=in_days(frame["close_at"] - now),
        days_missing_before=days_missing_before(frame),
        indicators_missing=frame[_INDICATORS]
        .isna()
        .sum(axis=1)
        .where(frame["nth_day"] >= _WARM_UP),
        out_of_range=_out_of_range(frame),
        filled_share=by_token.transform("mean").where(last),
        days_unchanged=unchanged.where(frame["peg_usd"].isna()),
        stillness=(unchanged / patience.astype(float)).where(last),
        unconfirmed_return=frame["log_return"].where(~frame["is_confirmed"].astype(bool)),
        days_short=(LEAST_HISTORY - real_days).where(last & frame["symbol"].isin(list(trained))),
    )


def _out_of_range(frame: pd.DataFrame) -> pd.Series:
    """How many indicators of a row cannot be, of those that are known."""
    volatilities = frame[["ewma_volatility", "rolling_volatility_30d"]]
    return (
        (frame["rsi_14"] < 0).astype(int)
        + (frame["rsi_14"] > _MOST_RSI)
        + (volatilities < 0).sum(axis=1)
    )


def _unchanged(frame: pd.DataFrame) -> pd.Series:
    """For how many real days a token's close has been the same, this one excluded."""
    same = (frame["close"] == frame.groupby("token_id")["close"].shift()) & ~frame["is_filled"]
    return same.astype(int).groupby((~same).cumsum()).cumsum()
