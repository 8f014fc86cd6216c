"""Finds candles of a file that contradict stored ones, as those of another contract, unit or token do."""

from collections.abc import Set as AbstractSet
from datetime import datetime
from uuid import UUID

from psycopg import Connection

from coinsphere.market.model import Interval
from coinsphere.market.quality.outliers import Series, strays
from coinsphere.market.quality.validation import Fault

FAULT = Fault(
    "close",
    "close is more than ten-fold away from the stored ones beside it, and was not traded all the way there",
)

_CLOSES = """
    select opened_at, open::float8, close::float8 from market.price_data
    where token_id = %(token_id)s and interval = %(interval)s and quality <> 'suspect' and opened_at <= now()
    order by opened_at
"""


def stored(conn: Connection, token_id: UUID, interval: Interval) -> dict[datetime, float]:
    """The stored closes, which are believed."""
    return {opened_at: close for opened_at, _, close in _rows(conn, token_id, interval)}


def contradicting(
    conn: Connection, token_id: UUID, interval: Interval, before: dict[datetime, float]
) -> AbstractSet[datetime]:
    """Starts of candles that contradict their neighbours; `before` was stored already and is believed.

    Where nothing was stored there is nothing to contradict: what a file says within itself is judged by the suite.
    """
    rows = _rows(conn, token_id, interval)
    believed = [row for row, (at, _, close) in enumerate(rows) if before.get(at) == close]
    if not believed:
        return frozenset()
    step = interval.duration
    series = Series(
        [(opened_at - rows[0][0]) // step for opened_at, _, _ in rows],
        [opened for _, opened, _ in rows],
        [close for _, _, close in rows],
    )
    return frozenset(rows[row][0] for row in strays(series, believed))


def _rows(
    conn: Connection, token_id: UUID, interval: Interval
) -> list[tuple[datetime, float, float]]:
    return conn.execute(_CLOSES, {"token_id": token_id, "interval": interval}).fetchall()
