"""The models' newest forecasts of a day, as they were stored when they were issued."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.market import anchoring
from coinsphere.portfolio.performance.forecast_risk import TAIL_DEGREES, StatedDistribution

# As the API answers: a day and a seventh of the horizon after its close, a forecast has expired.
# What has met its outcome forecasts nothing, and what was issued for comparison alone is nobody's forecast.
_NEWEST = """
    select distinct on (p.token_id)
        p.token_id, p.reference_price, p.quantiles, p.degrees, p.model_name, p.model_version, p.algorithm, p.origin_at,
        p.issued_at, p.target_at
    from model.predictions p
    where p.token_id = any(%(token_ids)s) and p.horizon_days = %(days)s and not p.is_shadow and not p.is_backfill
        and p.quantiles ?& array['0.025', '0.5', '0.975'] and p.target_at > %(now)s and p.issued_at <= %(now)s
        and p.origin_at > %(now)s - make_interval(days => 1 + %(days)s / 7)
    order by p.token_id, p.origin_at desc, p.issued_at desc, p.model_version desc
"""


@dataclass(frozen=True, slots=True)
class Forecast:
    """A forecast of one token for a day; prices in US dollars by level."""

    token_id: UUID
    reference_price: Decimal
    quantiles: dict[str, Any]
    degrees: float | None
    model_name: str
    model_version: int
    algorithm: str
    origin_at: datetime
    issued_at: datetime
    target_at: datetime

    def share_left(self, now: datetime) -> float:
        """The share of its horizon that is still ahead."""
        return anchoring.share_left(self.origin_at, self.target_at - self.origin_at, now)

    def marginal(self, share: float = 1.0) -> StatedDistribution:
        """Its distribution of the log return over the share of its horizon that is still to come, around today's price.

        What has passed moves the price no more: the width shrinks with the root of the time left. The centre is left out: a
        lean against the last fall is right on the mean of days, and lifts the tail where falls go on.
        """
        prices = sorted((float(level), float(price)) for level, price in self.quantiles.items())
        start = float(self.reference_price)
        returns = [math.log(price / start) for _, price in prices]
        centre = math.log(float(self.quantiles["0.5"]) / start)
        return StatedDistribution(
            tuple(level for level, _ in prices),
            tuple(share**0.5 * (each - centre) for each in returns),
            TAIL_DEGREES if self.degrees is None else self.degrees,
        )


def newest(
    conn: Connection, token_ids: Sequence[UUID], now: datetime, horizon_days: int = 1
) -> dict[UUID, Forecast]:
    """The newest forecast of each token that has not expired; tokens without one are left out."""
    cursor = conn.cursor(row_factory=class_row(Forecast))
    asked = {"token_ids": list(token_ids), "now": now, "days": horizon_days}
    rows = cursor.execute(_NEWEST, asked).fetchall()
    return {row.token_id: row for row in rows}
