"""The pooled linear model with one input more, what options imply: it shows what that adds, and never serves.

Whether implied volatility belongs among the inputs is decided by `coinsphere ml backtest --implied`: docs/guides/forecasting.md
says how it ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ml.data import implied
from ml.data.features import FeatureSet, Floats
from ml.data.horizons import HORIZONS
from ml.data.implied import Closes
from ml.models.pooled_linear import PENALTY, fit_student
from ml.models.student import Student


@dataclass(frozen=True, slots=True, eq=False)
class ImpliedLinear:
    """Weights, shape [HORIZONS, NAMES + 1]; `usual` is the mean of the input that is its zero."""

    closes: Closes
    usual: float
    weights: Floats
    intercepts: Floats
    degrees: Floats
    name: ClassVar[str] = "pooled_linear_implied"

    def predict(self, features: FeatureSet, first: int) -> Student:
        """See `GlobalModel`."""
        inputs = _inputs(features, self.closes, self.usual)[:, first:]
        shifts = inputs @ self.weights.T + self.intercepts
        return Student.shifted(features.unit[:, first:], shifts, self.degrees)

    def parameters(self) -> Mapping[str, Any]:
        """What it was fitted to."""
        return {
            "usual": self.usual,
            "weights": self.weights.tolist(),
            "intercepts": self.intercepts.tolist(),
            "degrees": self.degrees.tolist(),
        }

    def binaries(self) -> dict[str, bytes]:
        """None."""
        return {}


def fit(closes: Closes, features: FeatureSet, end: int) -> ImpliedLinear:
    """Fit each horizon on what was known when day `end` began, as the pooled linear model is."""
    known, outcomes = features.known_at(end), features.outcomes() / features.unit
    seen = implied.against_volatility(features, closes)[known[:, :, 0]]
    seen = seen[np.isfinite(seen)]
    usual = float(seen.mean()) if len(seen) else 0.0
    inputs = _inputs(features, closes, usual)
    fits = [
        fit_student(
            inputs[known[:, :, place]],
            outcomes[:, :, place][known[:, :, place]],
            PENALTY * horizon**0.5,
        )
        for place, horizon in enumerate(HORIZONS)
    ]
    weights, intercepts, degrees = zip(*fits, strict=True)
    return ImpliedLinear(closes, usual, np.array(weights), np.array(intercepts), np.array(degrees))


def _inputs(features: FeatureSet, closes: Closes, usual: float) -> Floats:
    away = np.nan_to_num(implied.against_volatility(features, closes) - usual, nan=0.0)
    return np.concatenate((features.inputs, away[:, :, None]), axis=2)
