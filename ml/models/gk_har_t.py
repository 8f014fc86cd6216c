"""Five numbers for each horizon: log scale as a line in the Garman-Klass volatilities of 1, 7 and 30 days, and a Student t.

Corsi's heterogeneous autoregression (2009) of what ranges say (Garman and Klass 1980), the same for all tokens. Whatever
is richer has to show what it adds beyond this.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.signal import lfilter

from ml.data.features import FeatureSet, Floats, Mask, garman_klass
from ml.data.horizons import HORIZONS
from ml.models.pooled_linear import fit_student
from ml.models.student import Student

SPANS = (1, 7, 30)
"""Days over which the variance is averaged."""
NAMES = tuple(f"range_volatility_{span}d" for span in SPANS)
_YEAR = 365
_USUAL = 0.04
"""A daily volatility of tokens: in its units scales are around one, which the fit starts from."""


@dataclass(frozen=True, slots=True, eq=False)
class GkHarT:
    """Slopes, shape [HORIZONS, SPANS]; intercepts and degrees of freedom by horizon."""

    slopes: Floats
    intercepts: Floats
    degrees: Floats
    name: ClassVar[str] = "gk_har_t"

    def predict(self, features: FeatureSet, first: int) -> Student:
        """See `GlobalModel`."""
        shifts = volatilities(features)[:, first:] @ self.slopes.T + self.intercepts
        return Student.shifted(_unit(), shifts, self.degrees)

    def effects(self, features: FeatureSet, day: int) -> Floats:
        """What each volatility adds to the log scale against its mean of a year, shape [tokens, HORIZONS, SPANS]."""
        year = volatilities(features)[:, max(day - _YEAR + 1, 0) : day + 1]
        known = np.isfinite(year)
        mean = np.where(known, year, 0.0).sum(axis=1) / known.sum(axis=1).clip(1)
        away = np.where(known[:, -1], year[:, -1] - mean, 0.0)
        shares: Floats = away[:, None, :] * self.slopes[None]
        return shares

    def parameters(self) -> Mapping[str, Any]:
        """All of it."""
        return {
            "spans": list(SPANS),
            "slopes": self.slopes.tolist(),
            "intercepts": self.intercepts.tolist(),
            "degrees": self.degrees.tolist(),
        }

    def binaries(self) -> dict[str, bytes]:
        """None."""
        return {}


def load(parameters: Mapping[str, Any], binaries: Mapping[str, bytes]) -> GkHarT:  # noqa: ARG001 - one signature
    """The model. Raises ValueError if it was made for other spans, or its arrays are of another shape."""
    if tuple(parameters["spans"]) != SPANS:
        raise ValueError("it was made for other spans")
    arrays = [
        np.array(parameters[key], dtype=np.float64) for key in ("slopes", "intercepts", "degrees")
    ]
    rows = len(HORIZONS)
    if [each.shape for each in arrays] != [(rows, len(SPANS)), (rows,), (rows,)]:
        raise ValueError("its slopes are of another shape")
    return GkHarT(*arrays)


def fit(features: FeatureSet, end: int) -> GkHarT:
    """Fit each horizon on what was known when day `end` began."""
    inputs, outcomes = volatilities(features), features.outcomes() / _unit()
    complete: Mask = np.isfinite(inputs).sum(axis=2, keepdims=True) == len(SPANS)
    known = features.known_at(end) & complete
    fits = [
        fit_student(inputs[known[:, :, place]], outcomes[:, :, place][known[:, :, place]], 0.0)
        for place in range(len(HORIZONS))
    ]
    slopes, intercepts, degrees = zip(*fits, strict=True)
    return GkHarT(np.array(slopes), np.array(intercepts), np.array(degrees))


def volatilities(features: FeatureSet) -> Floats:
    """Logs of the Garman-Klass volatilities of the last 1, 7 and 30 known days, shape [tokens, days, SPANS]."""
    variance = garman_klass(features.panel)[:, : features.inputs.shape[1]]
    known = np.isfinite(variance)
    filled = np.where(known, variance, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = [
            lfilter(np.ones(span), [1.0], filled, axis=1)
            / lfilter(np.ones(span), [1.0], known.astype(np.float64), axis=1)
            for span in SPANS
        ]
        logs: Floats = 0.5 * np.log(np.stack(means, axis=2)) - np.log(_USUAL)
    return logs


def _unit() -> Floats:
    return _USUAL * np.sqrt(np.array(HORIZONS, dtype=np.float64))
