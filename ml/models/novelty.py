"""Whether a day is of a kind that the model was trained on: Mahalanobis distance of its inputs to the training rows.

A day that is not is served all the same, and flagged: hiding a forecast in a crash would hide it when it is needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ml.data.features import NAMES, FeatureSet, Floats, Mask

SHARE = 0.999
"""Of training rows that are within the distance."""
_RIDGE = 1e-6
_SMOOTH = len(NAMES) - 3
"""The weekdays are no sample of anything."""
_NOTHING = -1.0
"""A limit that no squared distance is within."""


@dataclass(frozen=True, slots=True, eq=False)
class Novelty:
    """Centre and inverse covariance of the training rows, and the squared distance that hardly any of them exceeds."""

    mean: Floats
    precision: Floats
    limit: float

    def is_familiar(self, inputs: Floats) -> Mask:
        """Whether each row of inputs [..., NAMES] is within the distance."""
        is_near: Mask = self.distance(inputs) <= self.limit
        return is_near

    def distance(self, inputs: Floats) -> Floats:
        """Squared distances."""
        away = inputs[..., :_SMOOTH] - self.mean
        squared: Floats = np.einsum("...i,ij,...j->...", away, self.precision, away)
        return squared

    def to_json(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "mean": self.mean.tolist(),
            "precision": self.precision.tolist(),
            "limit": self.limit,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """What `to_json` wrote. Raises KeyError or ValueError if it did not."""
        mean = np.array(value["mean"], dtype=np.float64)
        precision = np.array(value["precision"], dtype=np.float64)
        if precision.shape != (len(mean), len(mean)) or len(mean) != _SMOOTH:
            raise ValueError("it was made for other inputs")
        return cls(mean, precision, float(value["limit"]))


def fit(features: FeatureSet, end: int) -> Novelty:
    """From the rows that a training before day `end` learns from; of too few of them, no day is familiar."""
    rows = features.inputs[features.known_at(end)[:, :, 0]][:, :_SMOOTH]
    if len(rows) <= _SMOOTH:
        return Novelty(np.zeros(_SMOOTH), np.eye(_SMOOTH), _NOTHING)
    covariance = np.cov(rows, rowvar=False) + _RIDGE * np.eye(_SMOOTH)
    mean = np.asarray(rows.mean(axis=0), dtype=np.float64)
    precision = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
    away = rows - mean
    distances = np.einsum("ri,ij,rj->r", away, precision, away)
    return Novelty(mean, precision, float(np.quantile(distances, SHARE)))
