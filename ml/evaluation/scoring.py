"""Proper scores of distributions and of the intervals that are published, row by row.

Means of them are only compared on the same rows; `ml.evaluation.comparison` says whether a difference is more than chance.
"""

from dataclasses import dataclass

import numpy as np

from ml.data.features import Floats, Mask
from ml.data.horizons import LEVELS
from ml.models.student import Student

NOMINAL = (0.8, 0.95)
"""Of the two intervals."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Figures of each row; losses are of log returns, and less is better.

    `within` and `interval` have a last axis of NOMINAL.
    """

    crps: Floats
    log_score: Floats
    pinball: Floats
    pit: Floats
    within: Mask
    interval: Floats


def score(student: Student, outcomes: Floats, widths: Floats) -> Scores:
    """Score distributions on their outcomes.

    Args:
        student: the distributions, of any shape.
        outcomes: log returns, same shape; NaN where unknown, which makes the row's figures NaN.
        widths: probabilities of the central intervals that are published as NOMINAL, same shape with a last axis of
            NOMINAL; NOMINAL itself where nothing was calibrated.
    """
    lows = np.stack([student.quantile((1 - widths[..., at]) / 2) for at in range(len(NOMINAL))], -1)
    highs = np.stack(
        [student.quantile((1 + widths[..., at]) / 2) for at in range(len(NOMINAL))], -1
    )
    beside = outcomes[..., None]
    return Scores(
        crps=student.crps(outcomes),
        log_score=student.log_score(outcomes),
        pinball=_pinball(student, outcomes, lows, highs),
        pit=student.cdf(outcomes),
        within=(beside >= lows) & (beside <= highs),
        interval=interval_score(lows, highs, beside, 1 - np.array(NOMINAL)),
    )


def interval_score(lows: Floats, highs: Floats, outcomes: Floats, misses: Floats) -> Floats:
    """Winkler's interval score: the width, plus 2 / `misses` times how far the outcome lies outside."""
    below = np.maximum(lows - outcomes, 0.0)
    above = np.maximum(outcomes - highs, 0.0)
    scores: Floats = highs - lows + 2 / misses * (below + above)
    return scores


def pinball_loss(quantiles: Floats, outcomes: Floats, level: float | Floats) -> Floats:
    """Pinball loss: the true quantile of `level` minimises its expectation."""
    above = outcomes - quantiles
    losses: Floats = np.maximum(level * above, (level - 1) * above)
    return losses


def _pinball(student: Student, outcomes: Floats, lows: Floats, highs: Floats) -> Floats:
    """Mean over the published quantiles."""
    ends = {0.1: lows[..., 0], 0.9: highs[..., 0], 0.025: lows[..., 1], 0.975: highs[..., 1]}
    losses = [pinball_loss(ends.get(level, student.location), outcomes, level) for level in LEVELS]
    mean: Floats = np.mean(losses, axis=0)
    return mean


def pit_distance(pit: Floats) -> float:
    """The largest distance of the PIT values' distribution to the uniform one (Kolmogorov and Smirnov's)."""
    finite = np.sort(pit[np.isfinite(pit)])
    if not len(finite):
        return float("nan")
    steps = np.arange(len(finite) + 1) / len(finite)
    return float(max((steps[1:] - finite).max(), (finite - steps[:-1]).max()))


def pit_histogram(pit: Floats, bins: int = 10) -> list[float]:
    """Share of PIT values in each tenth: flat if the distributions are honest."""
    counts, _ = np.histogram(pit[np.isfinite(pit)], bins=bins, range=(0.0, 1.0))
    return [float(share) for share in counts / max(counts.sum(), 1)]
