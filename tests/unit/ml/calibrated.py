"""Made-up markets with forecasts that are right by construction, or off by so much; also what `bench gates` measures with."""

import numpy as np
from scipy import stats

from ml.data.features import Floats, Mask
from ml.data.horizons import HORIZONS
from ml.evaluation import coverage
from ml.evaluation.scoring import NOMINAL

TOKENS, CORRELATION = 24, 0.6


def market(rng: np.random.Generator, days: int) -> Floats:
    """Cumulated daily returns of `TOKENS` tokens in units of their volatility, shape [tokens, days + longest + 1]."""
    length = days + HORIZONS[-1]
    common, own = rng.standard_normal(length), rng.standard_normal((TOKENS, length))
    returns = CORRELATION**0.5 * common + (1 - CORRELATION) ** 0.5 * own
    return np.pad(np.cumsum(returns, axis=1), ((0, 0), (1, 0)))


def refused(path: Floats, true: tuple[float, ...]) -> list[bool]:
    """At each horizon, whether the gate refuses intervals that truly hold `true` where they promise `NOMINAL`."""
    days = path.shape[1] - 1 - HORIZONS[-1]
    verdicts = []
    for horizon in HORIZONS:
        moves = np.abs(path[:, horizon : horizon + days] - path[:, :days]) / horizon**0.5
        within: list[Mask] = [moves <= stats.norm.ppf(0.5 + share / 2) for share in true]
        known = np.ones_like(within[0])
        verdicts.append(
            not all(
                coverage.judge(each, known, nominal, horizon).explains(nominal)
                for each, nominal in zip(within, NOMINAL, strict=True)
            )
        )
    return verdicts
