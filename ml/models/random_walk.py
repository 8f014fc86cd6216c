"""Tomorrow equals today, as wide as the last days were: the reference of all skill, and the least that is served."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.data.features import FeatureSet, Floats, ewma
from ml.data.horizons import HORIZONS
from ml.models.pooled_linear import fit_student
from ml.models.student import Student

REFERENCE = "random_walk"
"""EWMA(0.94), normal: what skill is measured against."""
SLOW = "random_walk_slow"
BASELINE = "ewma_t"
_DECAYS = {REFERENCE: 0.94, SLOW: 0.97, BASELINE: 0.94}
_LEAST = 1e-6
_LEAST_OUTCOMES = 100
_USUAL = (-0.25, 5.0)
"""Shift and degrees before anything is known: the tails of daily crypto returns, as wide as the volatility says."""


@dataclass(frozen=True, slots=True, eq=False)
class RandomWalk:
    """EWMA volatility times the root of the horizon, shifted; degrees are infinite for a normal."""

    name: str
    shifts: Floats
    degrees: Floats

    def predict(self, features: FeatureSet, first: int) -> Student:
        """See `GlobalModel`."""
        returns = np.diff(features.log_closes, axis=1, prepend=np.nan)
        volatility = np.maximum(np.sqrt(ewma(returns**2, _DECAYS[self.name])), _LEAST)
        unit = volatility[:, first:, None] * np.sqrt(np.array(HORIZONS, dtype=np.float64))
        return Student.shifted(unit, self.shifts, self.degrees)

    def parameters(self) -> Mapping[str, Any]:
        """Shift and degrees by horizon; null for a normal."""
        degrees = [None if np.isinf(each) else float(each) for each in self.degrees]
        return {"shifts": self.shifts.tolist(), "degrees": degrees}

    def binaries(self) -> dict[str, bytes]:
        """None."""
        return {}


def loader(name: str) -> Any:
    """A function that loads the model of this name."""

    def load(parameters: Mapping[str, Any], binaries: Mapping[str, bytes]) -> RandomWalk:  # noqa: ARG001 - one signature
        degrees = [np.inf if each is None else float(each) for each in parameters["degrees"]]
        shifts = np.array(parameters["shifts"], dtype=np.float64)
        if not len(shifts) == len(degrees) == len(HORIZONS):
            raise ValueError("it was made for other horizons")
        return RandomWalk(name, shifts, np.array(degrees))

    return load


def normal(name: str) -> RandomWalk:
    """The model without anything fitted."""
    return RandomWalk(name, np.zeros(len(HORIZONS)), np.full(len(HORIZONS), np.inf))


def fit_t(features: FeatureSet, end: int) -> RandomWalk:
    """EWMA(0.94) with pooled tails: shift and degrees of each horizon from what was known when day `end` began."""
    shifts, degrees = tails(features, features.unit, end)
    return RandomWalk(BASELINE, shifts, degrees)


def tails(features: FeatureSet, scale: Floats, end: int) -> tuple[Floats, Floats]:
    """The shift of the log scale and the degrees that fit the outcomes known at `end` best, by horizon.

    Where fewer than `_LEAST_OUTCOMES` are known those of the horizon before hold, and the usual ones for the first.
    """
    known, outcomes = features.known_at(end), features.outcomes() / scale
    known = known & np.isfinite(outcomes)
    fits = [_USUAL]
    for place in range(len(HORIZONS)):
        of_horizon = outcomes[:, :, place][known[:, :, place]]
        if len(of_horizon) < _LEAST_OUTCOMES:
            fits.append(fits[-1])  # a young market has outcomes of short horizons first
        else:
            fits.append(fit_student(np.zeros((len(of_horizon), 0)), of_horizon, 0.0)[1:])
    shifts, degrees = zip(*fits[1:], strict=True)
    return np.array(shifts), np.array(degrees)
