"""How much of the market's last day comes back on the next: the one thing of direction that held in every year.

After a day on which most tokens rose more than usual the next one lies a little lower, and the other way round. A
twentieth of a day's volatility is all that it is, and only the mean of the market shows it: a token's own last return
adds nothing, and two days later nothing is left, so longer horizons keep the last price as their centre.
"""

from dataclasses import dataclass

import numpy as np

from ml.data.features import FeatureSet, Floats
from ml.data.horizons import HORIZONS

PENALTY = 0.3
"""Of the squared weight, in units of the mean square of what it weighs: the weight is about a third nearer to zero
than the best on the past, as what was found by looking is less than it seems."""
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
        made = np.zeros((*volatility.shape, len(HORIZONS)))
        shift = self.weight * market(features)[first:] * volatility
        made[:, :, _PLACE] = np.where(np.isfinite(shift), shift, 0.0)
        return made


def fit(features: FeatureSet, end: int) -> Reversal:
    """Fit on what was known when day `end` began."""
    known = features.known_at(end)[:, :, _PLACE]
    returns = features.outcomes()[:, :, _PLACE][known] / features.volatility[known]
    moved = np.broadcast_to(market(features), known.shape)[known]
    followed = np.clip(returns, -_MOST, _MOST)
    return Reversal(float(moved @ followed / (moved @ moved + PENALTY * len(moved))))


def market(features: FeatureSet) -> Floats:
    """Mean last return of the tokens that can be forecast, each in units of its volatility, shape [days]."""
    counted = features.usable & ~features.pegged
    moved = np.clip(features.surprise, -_MOST, _MOST)
    mean: Floats = np.where(counted, moved, 0.0).sum(axis=0) / np.maximum(counted.sum(axis=0), 1)
    return mean
