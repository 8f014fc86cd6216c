"""Whether one model's losses are really less than another's: Diebold and Mariano's test on daily means.

Tokens move together, so thirty of them are not thirty samples: the losses of a day are averaged first. And returns of
several days overlap, so the variance of the mean is estimated with Bartlett's weights, which cannot make it negative.
"""

from dataclasses import dataclass

import numpy as np

from ml.data.features import Floats

_SHORT_LAG = 10
_LONG_FACTOR = 1.3


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean daily loss of the other minus ours, its standard error, and how many days it rests on."""

    mean: float
    error: float
    days: int

    @property
    def t(self) -> float:
        """How many standard errors ours is better by."""
        return self.mean / self.error if self.error > 0 else 0.0

    def upper_regression(self, level: float = 1.645) -> float:
        """The most by which ours may be worse, with 95 % confidence at the default."""
        return -self.mean + level * self.error


def compare(ours: Floats, other: Floats, horizon: int) -> Difference:
    """Compare losses [tokens, days] on the rows where both are known."""
    both = np.isfinite(ours) & np.isfinite(other)
    counted = both.any(axis=0)
    gains = np.where(both, np.where(both, other, 0.0) - np.where(both, ours, 0.0), 0.0)
    daily = gains.sum(axis=0)[counted] / both.sum(axis=0)[counted]
    if len(daily) < 2:  # noqa: PLR2004 - a variance needs two
        return Difference(float(daily.mean()) if len(daily) else 0.0, 0.0, len(daily))
    lag = lag_of(horizon, len(daily))
    return Difference(
        float(daily.mean()), float(np.sqrt(long_run_variance(daily, lag) / len(daily))), len(daily)
    )


def lag_of(horizon: int, days: int) -> int:
    """Days over which daily losses are taken to be related."""
    lag = _SHORT_LAG if horizon == 1 else max(horizon, round(_LONG_FACTOR * days**0.5))
    return min(lag, days - 1)


def long_run_variance(series: Floats, lag: int) -> float:
    """Newey and West's: variance plus twice the autocovariances up to `lag`, with weights that fall to zero."""
    centred = series - series.mean()
    total = float(centred @ centred)
    for step in range(1, lag + 1):
        total += 2 * (1 - step / (lag + 1)) * float(centred[step:] @ centred[:-step])
    return total / len(series)
