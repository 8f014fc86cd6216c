"""Tests whether intervals cover the share of outcomes that they promise, or miss it by more than chance explains.

Tokens move together and returns of several days overlap, so a million forecasts may be worth a few dozen. The share of
outcomes inside is therefore judged as if it came from so many independent ones as its own sampling error says: the
greater of two estimates, Newey and West's of the daily shares over three horizons, and that of a calibrated forecast
whose overlap alone relates its days. Of few independent ones the distribution is skewed, so the bounds are Clopper and
Pearson's (1934), exact for a binomial share. How often they err: docs/guides/forecasting.md, from `bench gates`.
"""

from dataclasses import dataclass
from functools import cache

from scipy import stats

from ml.data.features import Floats, Mask
from ml.evaluation.comparison import long_run_variance

ALPHA = 0.01
"""Two-sided, for one interval: both of a horizon together, and all four horizons, err less than 5 and 10 % of the time."""
_LEAST_LAG = 10
_FEW_WINDOWS = 2.0
"""By how much the 99 % point of a mean over its estimated error grows with the share of the days that the lag spans: few
windows estimate their own error badly (Kiefer and Vogelsang 2005). Simulated, with Bartlett's weights: 1.09, 1.21, 1.41 and
1.60 for a share of 0.05, 0.1, 0.2 and 0.3, so 1 + 2 b."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The share of outcomes inside, the bounds that luck explains, and how many independent outcomes it is worth.

    Attributes:
        share: inside the interval.
        lower: the least true share that explains it.
        upper: the greatest.
        effective: independent outcomes.
    """

    share: float
    lower: float
    upper: float
    effective: float

    def explains(self, nominal: float) -> bool:
        """Whether luck explains the share if the truth is `nominal`."""
        return self.lower <= nominal <= self.upper


def judge(within: Mask, known: Mask, nominal: float, horizon: int) -> Verdict:
    """Judge an interval of one horizon.

    Args:
        within: whether each outcome lay inside, shape [tokens, days].
        known: which outcomes are known, same shape; at least one.
        nominal: the share that is promised.
        horizon: in days.
    """
    counted = known.any(axis=0)
    daily = (within & known).sum(axis=0)[counted] / known.sum(axis=0)[counted]
    share = float((within & known).sum() / known.sum())
    variance = _variance_of_mean(daily - nominal, nominal, horizon)
    effective = nominal * (1 - nominal) / variance if variance > 0 else float(known.sum())
    inside = share * effective
    lower = stats.beta.ppf(ALPHA / 2, inside, effective - inside + 1) if inside > 0 else 0.0
    upper = stats.beta.ppf(1 - ALPHA / 2, inside + 1, effective - inside) if share < 1 else 1.0
    return Verdict(share, float(lower), float(upper), effective)


def _variance_of_mean(away: Floats, nominal: float, horizon: int) -> float:
    days = len(away)
    lag = min(max(_LEAST_LAG, 3 * horizon), days - 1)
    seen = long_run_variance(away, lag) if lag > 0 else 0.0
    expected = float(away @ away) / days * _overlap(nominal, horizon)
    return max(seen, expected) / days * (1 + _FEW_WINDOWS * lag / days) ** 2


@cache
def _overlap(nominal: float, horizon: int) -> float:
    """By how much overlap inflates the variance: one plus twice the autocorrelations of being inside.

    Returns that share all but `step` of their days are normal with the correlation 1 - step / horizon.
    """
    edge = stats.norm.ppf(0.5 + nominal / 2)
    total = 1.0
    for step in range(1, horizon):
        correlation = 1 - step / horizon
        both = stats.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]])
        inside = both.cdf([edge, edge], lower_limit=[-edge, -edge])
        total += 2 * (inside - nominal**2) / (nominal * (1 - nominal))
    return float(total)
