"""Student's t with a location and a scale, for whole arrays: what the global models predict.

Infinite degrees of freedom are the normal distribution, which has formulas of its own: the closed forms of the t lose
all their digits long before.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

Floats = NDArray[np.float64]

MOST_DEGREES = 100.0
"""A t of more is taken as one of so many; the difference to a normal is far below what any test can see."""


@dataclass(frozen=True, slots=True)
class Student:
    """Distributions, one for each element; all three arrays have the same shape."""

    location: Floats
    scale: Floats
    degrees: Floats

    @classmethod
    def centred(cls, scale: Floats, degrees: Floats | float) -> Self:
        """Distributions around zero."""
        full = np.broadcast_to(np.asarray(degrees, dtype=np.float64), scale.shape)
        return cls(np.zeros_like(scale), scale, full)

    @classmethod
    def shifted(cls, unit: Floats, shifts: Floats, degrees: Floats) -> Self:
        """Distributions around zero whose scale is `unit` with `shifts` added to its logarithm."""
        return cls.centred(unit * np.exp(shifts), degrees)

    def at(self, where: Any) -> Self:
        """The distributions at an index or mask."""
        return type(self)(self.location[where], self.scale[where], self.degrees[where])

    def only(self, where: NDArray[np.bool_]) -> Self:
        """The distributions where `where` is true, of fewer axes; elsewhere the scale is NaN, and so is all that is asked."""
        mask = where.reshape(*where.shape, *(1,) * (self.scale.ndim - where.ndim))
        return type(self)(self.location, np.where(mask, self.scale, np.nan), self.degrees)

    def standardised(self, outcomes: Floats) -> Floats:
        """Outcomes in units of the scale."""
        return (outcomes - self.location) / self.scale

    def cdf(self, outcomes: Floats) -> Floats:
        """The probability of less than each outcome."""
        z = self.standardised(outcomes)
        probability: Floats = np.where(
            np.isinf(self.degrees), special.ndtr(z), special.stdtr(_finite(self.degrees), z)
        )
        return probability

    def quantile(self, level: Floats | float) -> Floats:
        """The value that each distribution stays below with probability `level`."""
        value: Floats = self.location + self.scale * np.where(
            np.isinf(self.degrees),
            special.ndtri(level),
            special.stdtrit(_finite(self.degrees), level),
        )
        return value

    def log_score(self, outcomes: Floats) -> Floats:
        """Minus the log density at each outcome, in nats: less is better."""
        z = self.standardised(outcomes)
        degrees = _finite(self.degrees)
        student = -stats.t.logpdf(z, degrees)
        normal = 0.5 * z**2 + 0.5 * np.log(2 * np.pi)
        score: Floats = np.log(self.scale) + np.where(np.isinf(self.degrees), normal, student)
        return score

    def crps(self, outcomes: Floats) -> Floats:
        """Continuous ranked probability score at each outcome, in units of the outcome: less is better."""
        z = self.standardised(outcomes)
        score: Floats = self.scale * np.where(
            np.isinf(self.degrees), _crps_normal(z), _crps_student(z, _finite(self.degrees))
        )
        return score


def _finite(degrees: Floats) -> Floats:
    """What the formulas of the t are given; where the normal's are taken instead, any value does."""
    return np.minimum(degrees, MOST_DEGREES)


def _crps_normal(z: Floats) -> Floats:
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    score: Floats = z * (2 * special.ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi)
    return score


def _crps_student(z: Floats, degrees: Floats) -> Floats:
    """Closed form for more than one degree of freedom (Jordan, Krüger and Lerch 2019)."""
    log_peak = special.gammaln((degrees + 1) / 2) - special.gammaln(degrees / 2)
    log_peak = log_peak - 0.5 * np.log(degrees * np.pi)
    density = np.exp(log_peak - (degrees + 1) / 2 * np.log1p(z**2 / degrees))
    ratio = special.betaln(0.5, degrees - 0.5) - 2 * special.betaln(0.5, degrees / 2)
    spread = 2 * np.sqrt(degrees) / (degrees - 1) * np.exp(ratio)
    below = 2 * special.stdtr(degrees, z) - 1
    score: Floats = z * below + 2 * density * (degrees + z**2) / (degrees - 1) - spread
    return score
