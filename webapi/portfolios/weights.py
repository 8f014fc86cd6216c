"""A portfolio's largest assets with their past daily returns: the input of all risk figures."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

from psycopg import Connection

from coinsphere.portfolio.performance.period import Period
from coinsphere.portfolio.valuation import current_holdings
from coinsphere.portfolio.valuation.current_holdings import Holding
from coinsphere.portfolio.valuation.stored_market import StoredMarket

SIMULATED = 50
"""Assets that a simulation is made of: the largest. What it leaves out, `coveredPercentage` tells."""
_DAY = timedelta(days=1)
_LEAST = 1e-12
"""Of a close that is left of another: the logarithm of nothing at all is no number."""


class WeightedHolding(NamedTuple):
    """An asset, its worth, and its daily returns."""

    token_id: UUID
    symbol: str
    value: float
    moves: Mapping[date, float]


def largest(conn: Connection, holdings: Sequence[Holding], period: Period) -> list[WeightedHolding]:
    """The largest assets with their daily returns, over days that have a close of their own."""
    market = StoredMarket(conn)
    weights = current_holdings.weights(holdings)
    chosen = sorted(weights.items(), key=lambda item: (-item[1], str(item[0])))[:SIMULATED]
    first = period.first - _DAY
    market.prepare([token_id for token_id, _ in chosen], first)
    names = {each.row.token_id: each.row.symbol for each in holdings}
    return [
        WeightedHolding(
            token_id,
            names[token_id],
            float(value),
            _moves(market.closes(token_id, first, period.last)),
        )
        for token_id, value in chosen
    ]


def _moves(closes: Sequence[tuple[date, Decimal]]) -> dict[date, float]:
    return {
        day: max(float(close / previous), _LEAST) - 1
        for (earlier, previous), (day, close) in pairwise(closes)
        if day - earlier == _DAY
    }
