"""The assessment's LSTM among the global models: one net for each token, with a t around its errors.

The net says where the price will be, so unlike all others this model has a centre of its own. How wide the
distribution is comes from the errors on days that the net did not learn from, the same at all times.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ml.data.features import FeatureSet, Floats
from ml.data.horizons import CONTEXT
from ml.models.lstm import Lstm
from ml.models.random_walk import RandomWalk
from ml.models.student import Student


@dataclass(frozen=True, slots=True, eq=False)
class OneToken:
    """The net, and the t of its errors by horizon."""

    net: Lstm
    scale: Floats
    degrees: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Assessment:
    """The nets by symbol; a token without one, being too young, is forecast by the baseline."""

    nets: Mapping[str, OneToken]
    baseline: RandomWalk
    name: ClassVar[str] = "assessment_lstm"

    def predict(self, features: FeatureSet, first: int) -> Student:
        """See `GlobalModel`."""
        baseline = self.baseline.predict(features, first)
        location, scale, degrees = (
            np.array(a) for a in (baseline.location, baseline.scale, baseline.degrees)
        )
        for place, symbol in enumerate(features.panel.symbols):
            if symbol in self.nets:
                one = self.nets[symbol]
                days = np.flatnonzero(features.usable[place, first:])
                location[place, days] = one.net.location(_windows(features, place, first + days))
                scale[place, days], degrees[place, days] = one.scale, one.degrees
        return Student(location, scale, degrees)

    def parameters(self) -> Mapping[str, Any]:
        """Those of all nets."""
        return {
            symbol: {"scale": one.scale.tolist(), "degrees": one.degrees.tolist()}
            | dict(one.net.parameters())
            for symbol, one in self.nets.items()
        }

    def binaries(self) -> dict[str, bytes]:
        """All nets."""
        return {f"{symbol}.onnx": one.net.network for symbol, one in self.nets.items()}


def _windows(features: FeatureSet, place: int, days: np.ndarray) -> Floats:
    logs = np.log(filled(features.panel.closes[place]))
    selected: Floats = logs[days[:, None] + np.arange(1 - CONTEXT, 1)]
    return selected


def filled(closes: Floats) -> Floats:
    """A gap repeats the last known close."""
    known = np.isfinite(closes)
    last = np.maximum.accumulate(np.where(known, np.arange(len(closes)), -1))
    bridged: Floats = closes[np.maximum(last, int(np.argmax(known)))]
    return bridged
