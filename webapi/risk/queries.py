"""The published risk scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

_NEWEST = """
    select newest.*
    from unnest(%(token_ids)s::uuid[]) as wanted (token_id)
    join lateral (
        select
            token_id, day, overall_score, risk_level, volatility_score, drawdown_score, tail_score, liquidity_score,
            market_cap_score, volume_score, annual_volatility, price_source, computed_at
        from market.risk_scores
        where token_id = wanted.token_id
        order by day desc
        limit 1
    ) newest on true
"""


@dataclass(frozen=True, slots=True)
class Score:
    """The newest score of a token; its parts are None where unknown."""

    token_id: UUID
    day: date
    overall_score: Decimal
    risk_level: str
    volatility_score: Decimal | None
    drawdown_score: Decimal | None
    tail_score: Decimal | None
    liquidity_score: Decimal | None
    market_cap_score: Decimal | None
    volume_score: Decimal | None
    annual_volatility: Decimal | None
    price_source: str
    computed_at: datetime


def newest(conn: Connection, token_ids: Sequence[UUID]) -> dict[UUID, Score]:
    """The newest score of each token that has one."""
    cursor = conn.cursor(row_factory=class_row(Score))
    rows = cursor.execute(_NEWEST, {"token_ids": list(token_ids)})
    return {score.token_id: score for score in rows}
