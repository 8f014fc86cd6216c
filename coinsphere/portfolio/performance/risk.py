"""The historical risk of a portfolio, from its daily returns and its holdings. No I/O.

Estimates, not money: computed in floats. None where there are too few days to say anything.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from coinsphere.i18n import N_

DAYS_OF_YEAR = 365
"""Tokens are traded on every day."""

LEAST_DAYS = 30
_TAIL = 0.05
_ROUNDING = 1e-9
"""A hundredth of 20,000 is 200, and not a little more."""
_MOST = 1e6
"""Figures beyond are of something that had next to no value."""
TOO_FEW = f"there are under {LEAST_DAYS} days of returns"
OUT_OF_RANGE = N_("some figures are out of range: they are of something that had next to no value")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall from a peak, as a fraction of it."""

    depth: float
    peak_day: date
    low_day: date


@dataclass(frozen=True, slots=True)
class Risk:
    """Yearly volatility and ratios, daily value at risk and expected shortfall at 95 % as fractions of the value."""

    days: int
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    value_at_risk: float | None
    expected_shortfall: float | None
    drawdown: Drawdown | None
    unavailable: str | None = None
    """Why figures are None."""


def daily_returns(growth: Sequence[float]) -> Floats:
    """The return of each day from growth; a day after a total loss has none."""
    levels = np.asarray(growth, dtype=np.float64)
    before, after = levels[:-1], levels[1:]
    alive = before > 0
    return after[alive] / before[alive] - 1


def assess(days: Sequence[date], growth: Sequence[float], risk_free: float = 0.0) -> Risk:
    """The figures of a history of growth.

    Args:
        days: the days, ascending.
        growth: what one unit of money had become by each.
        risk_free: yearly rate that an excess return is counted above.
    """
    moves = daily_returns(growth)
    drawdown = _drawdown(days, growth)
    if len(moves) < LEAST_DAYS:
        return Risk(len(moves), None, None, None, None, None, drawdown, TOO_FEW)
    deviation = float(moves.std(ddof=1))
    excess = float(moves.mean()) - risk_free / DAYS_OF_YEAR
    below = float(np.sqrt(np.mean(np.minimum(moves - risk_free / DAYS_OF_YEAR, 0.0) ** 2)))
    year = math.sqrt(DAYS_OF_YEAR)
    sharpe = excess / deviation * year if deviation > 0 else None
    sortino = excess / below * year if below > 0 else None
    figures = (deviation * year, sharpe, sortino)
    volatility, sharpe, sortino = map(_bounded, figures)
    return Risk(
        len(moves), volatility, sharpe, sortino, *tail(moves), drawdown,
        None if (volatility, sharpe, sortino) == figures else OUT_OF_RANGE,
    )  # fmt: skip


def _bounded(figure: float | None) -> float | None:
    return figure if figure is not None and abs(figure) <= _MOST else None


def tail(moves: Floats, share: float = _TAIL) -> tuple[float, float]:
    """Loss that a share of days exceeds, and the mean loss of those days; both as positive fractions, 0 at least."""
    count = max(1, math.ceil(share * len(moves) - _ROUNDING))
    worst = np.partition(moves, count - 1)[:count]
    return max(0.0, -float(worst[-1])), max(0.0, -float(worst.mean()))


def _drawdown(days: Sequence[date], growth: Sequence[float]) -> Drawdown | None:
    if not growth:
        return None
    levels = np.asarray(growth, dtype=np.float64)
    peaks = np.maximum.accumulate(levels)
    falls = np.where(peaks > 0, 1 - levels / np.where(peaks > 0, peaks, 1), 0.0)
    low = int(falls.argmax())
    peak = int(levels[: low + 1].argmax())
    return Drawdown(float(falls[low]), days[peak], days[low])


def concentration(weights: Sequence[float]) -> float | None:
    """Herfindahl index of the weights: 1 is a single asset, 1/n is n equal ones; None where nothing has a price."""
    total = sum(weights)
    if total <= 0:
        return None
    return float(sum((weight / total) ** 2 for weight in weights))


def correlations(moves: Mapping[str, Mapping[date, float]]) -> dict[str, dict[str, float | None]]:
    """Pearson correlation of each pair over the days that both have; None under 30 common days or without movement."""
    names = list(moves)
    table: dict[str, dict[str, float | None]] = {name: {} for name in names}
    for place, one in enumerate(names):
        for other in names[place:]:
            correlation = _correlation(moves[one], moves[other])
            table[one][other] = table[other][one] = correlation
    return table


def _correlation(one: Mapping[date, float], other: Mapping[date, float]) -> float | None:
    common = sorted(one.keys() & other.keys())
    if len(common) < LEAST_DAYS:
        return None
    left = np.array([one[day] for day in common])
    right = np.array([other[day] for day in common])
    if not left.std() or not right.std():
        return None
    # Rounding leaves what moves alike a little off one.
    return round(float(np.corrcoef(left, right)[0, 1]), 12)
