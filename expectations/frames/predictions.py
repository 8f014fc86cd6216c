"""The forecasts that were issued lately."""

from datetime import datetime

import numpy as np
import pandas as pd
from psycopg import Connection

from expectations.frames import columns
from expectations.frames.columns import (
    LEAST_VOLATILITY,
    foreign,
    in_days,
    is_simulated,
    logarithm,
)

_PREDICTIONS = """
    select
        t.id::text as token_id, t.symbol, p.origin_at, p.target_at, p.issued_at, p.horizon_days, p.model_name,
        p.model_version, p.reference_price::float8 as reference_price, p.median::float8 as median,
        p.lower80::float8 as lower80, p.upper80::float8 as upper80, p.lower95::float8 as lower95,
        p.upper95::float8 as upper95, p.is_backfill, p.price_source,
        f.ewma_volatility as volatility,
        (select max(close_at) from marts.ml_features_daily n where n.token_id = p.token_id and n.is_final) as closed_at
    from model.predictions p
    join market.tokens t on t.id = p.token_id
    left join marts.ml_features_daily f
        on f.token_id = p.token_id and f.price_date = (p.origin_at at time zone 'UTC')::date - 1
    where p.issued_at > %(since)s and not p.is_shadow
    order by t.symbol, p.origin_at, p.horizon_days
"""

_HORIZONS = 4


def read(conn: Connection, now: datetime, days: int = 90) -> pd.DataFrame:
    """The forecasts issued in the last `days` days, without those of shadow models."""
    frame = columns.read(conn, _PREDICTIONS, {"since": now - pd.Timedelta(days=days)})
    deviation = frame["volatility"].clip(lower=LEAST_VOLATILITY / 4) * np.sqrt(
        frame["horizon_days"]
    )
    half = logarithm(frame["upper95"] / frame["lower95"]) / 2
    ladder = frame[["lower95", "lower80", "median", "upper80", "upper95"]].to_numpy(dtype=float)
    # One model may speak of one day, and another of thirty.
    origin = ["token_id", "origin_at"]
    # Of a token that hardly moves the least volatility that is taken says nothing of how wide an interval should be.
    moves = frame["volatility"] >= LEAST_VOLATILITY / 4
    hindsight = in_days(frame["issued_at"] - frame["target_at"]).where(
        ~frame["is_backfill"].astype(bool)
    )
    newest = frame.groupby("token_id")["origin_at"].transform("max") == frame["origin_at"]
    return frame.assign(
        quantile_margin=np.diff(ladder, axis=1).min(axis=1) if len(frame) else 0.0,
        half_width=half,
        days_ahead=np.maximum(hindsight.fillna(-np.inf), in_days(frame["origin_at"] - now)),
        horizons_missing=_HORIZONS - frame.groupby(origin)["horizon_days"].transform("nunique"),
        median_deviations=logarithm(frame["median"] / frame["reference_price"]).abs() / deviation,
        width_deviations=(half / deviation).where(moves),
        days_behind=in_days(frame["closed_at"] - frame["origin_at"]).where(newest),
        is_foreign=foreign(is_simulated(frame["price_source"])),
    )
