"""The risk of a portfolio by the models' forecasts of its assets, with the dependence of their past. No I/O.

Each asset keeps the distribution that its model states; a Student t copula with the correlations of past returns joins
them. The joint distribution has no closed form, so it is simulated, always with the same seed: the same inputs give the
same answer. Estimates, not money: computed in floats.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import combinations
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt
from scipy import special

from coinsphere.portfolio.performance import dependence, risk
from coinsphere.portfolio.performance.risk import LEAST_DAYS, Floats

SEED = 95
DRAWS = 20_000
"""The value at risk of 20,000 draws lies within about 2 % of that of infinitely many."""
COPULA_DEGREES = 8.0
"""Of freedom: the likeliest of daily returns of 19 tokens since 2021, each over its own volatility. Fewer mean that more falls come together."""
TAIL_DEGREES = 4.0
"""Of the tails of a model that states quantiles only, which say nothing beyond the outermost."""

_GRID_REACH = 4.5
_GRID_STEPS = 2_000
_GRID = np.sinh(np.linspace(-_GRID_REACH, _GRID_REACH, _GRID_STEPS + 1))
"""Points of the copula's margin, dense in the middle and as far out as a draw may lie."""
_GRID_LEVELS = special.stdtr(COPULA_DEGREES, _GRID)
QUANTILES = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99)
"""Levels of a portfolio's distribution that are shown."""


class Marginal(Protocol):
    """The distribution of one asset's log return."""

    def quantile(self, levels: Floats) -> Floats:
        """The log returns that are not exceeded with these probabilities."""
        ...


@dataclass(frozen=True, slots=True)
class StatedDistribution:
    """A model's distribution: log returns by level, interpolated linearly over the scores of a Student t.

    So a Student t itself comes out exactly, intervals that were widened after calibration keep their width, and the
    tails go on as those of the t.
    """

    levels: tuple[float, ...]
    log_returns: tuple[float, ...]
    degrees: float

    def quantile(self, levels: Floats) -> Floats:
        """The log returns that are not exceeded with these probabilities."""
        known = special.stdtrit(self.degrees, np.asarray(self.levels))
        is_grid = levels is _GRID_LEVELS
        wanted = _grid_of(self.degrees) if is_grid else special.stdtrit(self.degrees, levels)
        returns = np.asarray(self.log_returns)
        quantiles: Floats = np.interp(wanted, known, returns)
        low, high = wanted < known[0], wanted > known[-1]
        quantiles[low] = returns[0] + (wanted[low] - known[0]) * _slope(known[:2], returns[:2])
        quantiles[high] = returns[-1] + (wanted[high] - known[-1]) * _slope(
            known[-2:], returns[-2:]
        )
        return quantiles


@dataclass(frozen=True, slots=True)
class ObservedDistribution:
    """The distribution of past returns, for an asset that no model forecasts."""

    log_returns: tuple[float, ...]

    def quantile(self, levels: Floats) -> Floats:
        """The log returns that were not exceeded in these shares of days."""
        known = np.sort(self.log_returns)
        quantiles: Floats = np.interp(levels * (len(known) - 1), np.arange(len(known)), known)
        return quantiles


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset that is held: its weight, the distribution of its log return, and its daily returns of the past."""

    symbol: str
    weight: float
    marginal: Marginal
    moves: Mapping[date, float]


@dataclass(frozen=True, slots=True)
class JointDraws:
    """Draws of the copula, shape [assets, DRAWS], found on the grid once for every distribution that is asked of them.

    `below` is the point of the grid at or below a draw, `share` how much of the way to the next point it has gone.
    """

    below: npt.NDArray[np.intp]
    share: Floats

    @classmethod
    def of(cls, scores: Floats) -> Self:
        """From draws of a margin that is a Student t; shape [assets, DRAWS]."""
        steps = (np.arcsinh(scores) + _GRID_REACH) * (_GRID_STEPS / (2 * _GRID_REACH))
        below = np.clip(steps.astype(np.intp), 0, _GRID_STEPS - 1)
        share = (scores - _GRID[below]) / np.diff(_GRID)[below]
        return cls(below, np.clip(share, 0.0, 1.0))

    def returns(self, place: int, marginal: Marginal) -> Floats:
        """The simple return of the asset at `place` in each draw, shape [DRAWS]."""
        known = np.expm1(marginal.quantile(_GRID_LEVELS))
        below = self.below[place]
        returns: Floats = known[below] + self.share[place] * np.diff(known)[below]
        return returns


@dataclass(frozen=True, slots=True)
class Tail:
    """Value at risk and expected shortfall at 95 %, as fractions of the value; None with the reason."""

    value_at_risk: float | None
    expected_shortfall: float | None
    unavailable: str | None = None


def tail(assets: Sequence[Asset]) -> Tail:
    """The value at risk and expected shortfall of the assets together until the forecasts' target, at 95 %."""
    total = sum(asset.weight for asset in assets)
    if total <= 0:
        return Tail(None, None, "nothing is held that has a price")
    draws = joint_draws(assets)
    if isinstance(draws, str):
        return Tail(None, None, draws)
    return Tail(*risk.tail(portfolio_returns(draws, assets)))


def joint_draws(assets: Sequence[Asset]) -> JointDraws | str:
    """Draws of the copula with the correlations of the assets' past; or the reason why there are none."""
    known = dependence.of([asset.moves for asset in assets])
    strangers = _strangers(assets, known)
    if strangers is not None:
        return f"{' and '.join(strangers)} have under {LEAST_DAYS} days of prices in common"
    return draw(known)


def familiar(assets: Sequence[Asset]) -> list[Asset]:
    """The assets, largest first, whose dependence on those before them is known."""
    largest = sorted(assets, key=lambda each: -each.weight)
    known = dependence.of([asset.moves for asset in largest])
    kept: list[int] = []
    for place in range(len(largest)):
        if not any(_are_strangers(largest, known, place, each) for each in kept):
            kept.append(place)
    return [largest[place] for place in kept]


def portfolio_returns(draws: JointDraws, assets: Sequence[Asset]) -> Floats:
    """The portfolio's return in each draw, shape [DRAWS]."""
    total = sum(asset.weight for asset in assets)
    returns = np.zeros(DRAWS)
    for place, asset in enumerate(assets):
        returns += asset.weight / total * draws.returns(place, asset.marginal)
    return returns


@dataclass(frozen=True, slots=True)
class ReturnDistribution:
    """A portfolio's simulated return: quantiles at `QUANTILES`, and losses beyond 95 and 99 %, as fractions of its value."""

    quantiles: tuple[float, ...]
    value_at_risk95: float
    expected_shortfall95: float
    value_at_risk99: float
    expected_shortfall99: float


def distribution(returns: Floats) -> ReturnDistribution:
    """The figures of simulated returns."""
    quantiles = np.quantile(returns, QUANTILES)
    return ReturnDistribution(
        tuple(quantiles.tolist()), *risk.tail(returns, 0.05), *risk.tail(returns, 0.01)
    )


def _strangers(assets: Sequence[Asset], known: Floats) -> tuple[str, str] | None:
    """Two assets of which nothing says how they move together."""
    for one, other in combinations(range(len(assets)), 2):
        if _are_strangers(assets, known, one, other):
            return assets[one].symbol, assets[other].symbol
    return None


def _are_strangers(assets: Sequence[Asset], known: Floats, one: int, other: int) -> bool:
    """Whether nothing says how two move together; one that never moves needs no correlation."""
    return bool(np.isnan(known[one, other])) and not any(
        _is_still(assets[each]) for each in (one, other)
    )


def _is_still(asset: Asset) -> bool:
    return len(asset.moves) >= LEAST_DAYS and len(set(asset.moves.values())) == 1


def draw(known: Floats) -> JointDraws:
    """Draws of a multivariate Student t; each normal draw has its opposite among them.

    Args:
        known: correlations, NaN where there is none, shape [assets, assets].
    """
    random = np.random.default_rng(SEED)
    half = random.standard_normal((DRAWS // 2, len(known)))
    root = np.linalg.cholesky(dependence.positive_definite(known))
    normal = np.concatenate([half, -half]) @ root.T
    shared = random.chisquare(COPULA_DEGREES, (DRAWS, 1)) / COPULA_DEGREES
    return JointDraws.of(np.ascontiguousarray((normal / np.sqrt(shared)).T))


@lru_cache(maxsize=64)
def _grid_of(degrees: float) -> Floats:
    """The grid's levels as scores of a Student t: tokens of one model share their degrees, and each score takes long."""
    scores: Floats = special.stdtrit(degrees, _GRID_LEVELS)
    scores.setflags(write=False)
    return scores


def _slope(scores: Floats, returns: Floats) -> float:
    return float((returns[1] - returns[0]) / (scores[1] - scores[0]))
