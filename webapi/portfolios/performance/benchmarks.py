"""The growth of the same money in a token, or in a mix of them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

from psycopg import Connection

from coinsphere.parsing import decimals
from coinsphere.portfolio.model import EXACT, UNIT, ZERO
from coinsphere.portfolio.performance import returns
from coinsphere.portfolio.performance.period import Period
from coinsphere.portfolio.performance.stored_days import Point
from coinsphere.portfolio.valuation import daily_growth
from coinsphere.portfolio.valuation.stored_market import StoredMarket
from coinsphere.portfolio.valuer import Valuer
from webapi.http import errors
from webapi.tokens import symbols

_DAY = timedelta(days=1)
_UNITS = Decimal(10**9)
"""So many units are valued, as one of a small token rounds to few digits."""


def growth(
    conn: Connection,
    currency: str,
    asked: str | None,
    period: Period,
    points: Sequence[Point],
    *,
    as_of: datetime | None = None,
) -> Mapping[date, Decimal]:
    """The worth on each point's day of 1 unit of a currency that was put into the mix at the start."""
    if asked is None:
        return {}
    mix = [(symbols.find(conn, symbol).id, weight) for symbol, weight in _mix(asked)]
    market = StoredMarket(conn, as_of)
    worth = Valuer(market, currency).worth
    grown: dict[date, Decimal] = {}
    with localcontext(EXACT):
        start = [worth(token_id, _UNITS, period.first - _DAY) for token_id, _ in mix]
        for point in points:
            end = [worth(token_id, _UNITS, point.day) for token_id, _ in mix]
            pairs = list(zip(start, end, mix, strict=True))
            if all(one and other for one, other, _ in pairs):
                level = sum(
                    (weight * other / one for one, other, (_, weight) in pairs if one and other),
                    ZERO,
                )
                grown[point.day] = level.quantize(UNIT)
    return grown


def _mix(asked: str) -> list[tuple[str, Decimal]]:
    """`BTC`, or `BTC:0.6,ETH:0.4`, with weights that sum to 1. Raises `errors.Problem` with status 400."""
    if ":" not in asked:
        return [(asked.strip(), Decimal(1))]
    try:
        pairs = [part.split(":") for part in asked.split(",")]
        mix = [(symbol.strip(), decimals.read(weight)) for symbol, weight in pairs]
    except ValueError:
        mix = []
    if not mix or not all(_is_share(weight) for _, weight in mix) or sum(w for _, w in mix) != 1:
        message = "is a token, or a mix as BTC:0.6,ETH:0.4 whose weights sum to 1"
        raise errors.invalid([{"path": "benchmark", "message": message, "code": "benchmark"}])
    return mix


def _is_share(weight: Decimal) -> bool:
    return weight.is_finite() and 0 < weight <= 1


def outcome(asked: str | None, grown: Mapping[date, Decimal]) -> dict[str, Any] | None:
    """The mix's return over the period, or why there is none; None where none was asked for."""
    if asked is None:
        return None
    if not grown:
        return {
            "mix": asked,
            "percentage": None,
            "reason": "a token of the mix has no price before this period",
        }
    rate = returns.within(grown[max(grown)] - 1)
    return {"mix": asked, "percentage": daily_growth.percent(rate.rate), "reason": rate.reason}
