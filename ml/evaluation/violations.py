"""Whether a value at risk is exceeded as often as it says, and not in clusters: Kupiec's and Christoffersen's tests."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from ml.data.features import Mask


@dataclass(frozen=True, slots=True)
class Violations:
    """The tests of one series. P values near zero refuse the forecast.

    Attributes:
        days: how many forecasts were checked.
        exceeded: how many losses were greater than the value at risk.
        kupiec: P value of the proportion of failures (Kupiec 1995), chi-squared of one degree.
        christoffersen: P value of proportion and independence together (Christoffersen 1998), chi-squared of two.
    """

    days: int
    exceeded: int
    kupiec: float
    christoffersen: float


def judge(exceeded: Mask, share: float) -> Violations:
    """Test a series of forecasts whose spans do not overlap.

    Args:
        exceeded: whether each loss was greater than the value at risk, in order, shape [forecasts].
        share: of losses that should be.
    """
    days, count = len(exceeded), int(exceeded.sum())
    proportion = 2 * (
        _likelihood(count, days, count / max(days, 1)) - _likelihood(count, days, share)
    )
    total = proportion + _clusters(exceeded)
    return Violations(
        days, count, float(special.chdtrc(1, proportion)), float(special.chdtrc(2, total))
    )


def _clusters(exceeded: Mask) -> float:
    """Likelihood ratio of a chain that remembers the day before, against one that does not."""
    before, after = exceeded[:-1], exceeded[1:]
    calm, wild = after[~before], after[before]
    remembered = sum(
        _likelihood(int(each.sum()), len(each), float(each.mean()) if len(each) else 0.0)
        for each in (calm, wild)
    )
    count = int(after.sum())
    forgotten = _likelihood(count, len(after), count / max(len(after), 1))
    return float(np.maximum(2 * (remembered - forgotten), 0.0))


def _likelihood(count: int, days: int, share: float) -> float:
    """Log likelihood of `count` in `days`; nothing to the power of nothing is one."""
    hits = count * math.log(share) if count else 0.0
    misses = (days - count) * math.log1p(-share) if days > count else 0.0
    return hits + misses
