"""What several frames have in common: rows as a frame, and measures of columns."""

from typing import Any, LiteralString

import numpy as np
import pandas as pd
from psycopg import Connection

LEAST_VOLATILITY = 0.02
"""Volatility that a token is granted at least: a calm one may wake."""
DAY_SECONDS = 86_400.0
SIMULATED = "simulated"
_DTYPES = {
    701: "float64",
    23: "int64",
    21: "int64",
    20: "int64",
    1184: "datetime64[us, UTC]",
    1114: "datetime64[us]",
}
"""pandas' types by PostgreSQL's."""


def read(conn: Connection, query: LiteralString, arguments: dict[str, Any]) -> pd.DataFrame:
    """The rows of `query`; numbers that are null are NaN, and times are UTC, also where there is no row."""
    cursor = conn.execute(query, arguments)
    columns = cursor.description or []
    frame = pd.DataFrame(cursor.fetchall(), columns=[column.name for column in columns])
    return frame.astype(
        {
            column.name: _DTYPES[column.type_code]
            for column in columns
            if column.type_code in _DTYPES
        }
    )


def foreign(is_simulated: pd.Series) -> pd.Series:
    """1 where a row is of another origin than most, null where its own is unknown."""
    usual = is_simulated.mode()
    if usual.empty:
        return pd.Series(np.nan, index=is_simulated.index)
    other: pd.Series = (is_simulated != usual.iloc[0]).astype(float)
    return other.where(is_simulated.notna())


def days_missing_before(frame: pd.DataFrame) -> pd.Series:
    """Days between a row and the one before it of the same token; 0 on a token's first."""
    step = in_days(frame.groupby("token_id")["day"].diff())
    return (step - 1).clip(lower=0).fillna(0)


def is_simulated(source: pd.Series) -> pd.Series:
    """Whether a price is of the simulated market; null where its source is unknown."""
    return source.str.contains(SIMULATED).where(source.notna())


def range_margin(candles: pd.DataFrame) -> pd.Series:
    """How far open and close lie within low and high, in the prices' unit; negative where one lies outside."""
    ends = candles[["open", "close"]]
    return pd.Series(
        np.minimum(ends.min(axis=1) - candles["low"], candles["high"] - ends.max(axis=1))
    )


def logarithm(ratio: pd.Series) -> pd.Series:
    """The logarithm where there is one: a price that is not positive is another rule's matter."""
    return pd.Series(np.log(ratio.where(ratio > 0)))


def in_days(span: pd.Series) -> pd.Series:
    """Spans of time in days."""
    return pd.Series(span.dt.total_seconds() / DAY_SECONDS)
