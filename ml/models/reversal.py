"""A small reversal: part of the market's last move that comes back on the next day. It held for years, and may not last.

After a day on which most tokens rose more than usual the next one lies a little lower, and the other way round. A
twentieth of a day's volatility is all that it is, and only the mean of the market shows it: a token's own last return
adds nothing, and two days later nothing is left, so longer horizons keep the last price as their centre.
"""

from dataclasses import dataclass

import numpy as np

from ml.data.features import FeatureSet, Floats, Mask
from ml.data.horizons import HORIZONS
from ml.models.pooled_linear import fit_student

PENALTY = 0.3
"""Of the squared weight, in units of the mean square of what it weighs: the weight is about a quarter nearer to zero
than the likeliest on the past, as what was found by looking is less than it seems."""
LEAST_T = 2.0
"""Standard errors from zero within which the past is no evidence, and the weight is zero."""
_ROUNDS = 30
_MOST = 4.0
"""Daily volatilities; a return beyond counts as one of so many."""
_PLACE = HORIZONS.index(1)


@dataclass(frozen=True, slots=True)
class Reversal:
    """The part of the market's last surprise by which the next return is expected to differ from zero."""

    weight: float = 0.0

    def location(self, features: FeatureSet, first: int) -> Floats:
        """Expected log returns after each day from index `first` on, shape [tokens, days - first, HORIZONS]."""
        volatility = features.volatility[:, first:]
        expected = np.zeros((*volatility.shape, len(HORIZONS)))
        shift = self.weight * market(features)[first:] * volatility
        expected[:, :, _PLACE] = np.where(np.isfinite(shift), shift, 0.0)
        return expected


def fit(features: FeatureSet, end: int) -> Reversal:
    """Fit on what was known when day `end` began, shrunk by what that past proves.

    The likeliest weight where outcomes have the tails of a Student t: by least squares, a few wild days would decide. Of
    it Breiman's non-negative garrote (1995) leaves 1 - (2 / t)^2, and nothing below a t of two.
    """
    known = features.known_at(end)[:, :, _PLACE]
    moved = market(features)
    squares = (known.sum(axis=0) * moved**2).sum()
    if not squares > 0:
        return Reversal()
    returns = np.where(known, features.outcomes()[:, :, _PLACE] / features.volatility, 0.0)
    tails = fit_student(np.zeros((known.sum(), 0)), returns[known], 0.0)
    weight, error = _likeliest(returns, known, moved, tails)
    return Reversal(weight * shrinkage(weight, error) / (1 + PENALTY))


def _likeliest(
    returns: Floats, known: Mask, moved: Floats, tails: tuple[Floats, float, float]
) -> tuple[float, float]:
    """The weight by iterated reweighting, and its standard error: tokens move together, so the errors of a day count as one."""
    scale, degrees = np.exp(tails[1]), tails[2]
    weight = 0.0
    for _ in range(_ROUNDS):
        left = ((returns - weight * moved) / scale) ** 2 / degrees
        trusted = np.where(known, 1 / (1 + left), 0.0)
        weight = float(
            (moved * (trusted * returns).sum(axis=0)).sum() / (trusted.sum(axis=0) * moved**2).sum()
        )
    left = (returns - weight * moved) / scale
    score = np.where(known, left / (1 + left**2 / degrees), 0.0).sum(axis=0)
    slope = np.where(known, (1 - left**2 / degrees) / (1 + left**2 / degrees) ** 2, 0.0).sum(axis=0)
    curvature = (moved**2 * slope).sum() / scale
    return weight, float(np.sqrt(((moved * score) ** 2).sum()) / curvature)


def shrinkage(weight: float, error: float) -> float:
    """The share of a weight that its standard error leaves, from 0 to 1."""
    return max(1 - (LEAST_T * error / weight) ** 2, 0.0) if weight else 0.0


def market(features: FeatureSet) -> Floats:
    """Mean last return of the tokens that can be forecast, each in units of its volatility, shape [days]."""
    counted = features.usable & ~features.pegged
    moved = np.clip(features.surprise, -_MOST, _MOST)
    mean: Floats = np.where(counted, moved, 0.0).sum(axis=0) / np.maximum(counted.sum(axis=0), 1)
    return mean
