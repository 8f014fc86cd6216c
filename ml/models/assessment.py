"""The assessment's LSTM among the global models: one net for each token, with a t around its errors.

The net says where the price will be, so unlike all others this model has a centre of its own. How wide the
distribution is comes from the errors on days that the net did not learn from, the same at all times.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ml.data import windows
from ml.data.features import FeatureSet, Floats
from ml.data.horizons import CONTEXT, HORIZONS
from ml.errors import TooLittleHistory
from ml.models import random_walk
from ml.models.lstm import Lstm
from ml.models.pooled_linear import fit_student
from ml.models.random_walk import RandomWalk
from ml.models.student import Student
from ml.training import lstm_loop

TRAINING_DAYS = 730
_SEED = 7


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
        made = self.baseline.predict(features, first)
        location, scale, degrees = (np.array(a) for a in (made.location, made.scale, made.degrees))
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


def fit(features: FeatureSet, end: int, *, epochs: int) -> Assessment:
    """Train a net for each token that is old enough, on its last `TRAINING_DAYS` days before day `end`."""
    nets = {}
    for place, symbol in enumerate(features.panel.symbols):
        closes = features.panel.closes[place, max(end - TRAINING_DAYS, 0) : end]
        known = np.isfinite(closes)
        if known[-1:].any() and not features.pegged[place, end - 1]:
            first = int(np.argmax(known))
            try:
                nets[symbol] = _fit_one(_filled(closes[first:]), known[first:], epochs)
            except TooLittleHistory:
                continue
    return Assessment(nets, random_walk.fit_t(features, end))


def _fit_one(closes: Floats, known: windows.Mask, epochs: int) -> OneToken:
    series = windows.series(closes, known)
    net = lstm_loop.fit(series, epochs=epochs, seed=_SEED).model
    scales, degrees = [], []
    for place, horizon in enumerate(HORIZONS):
        # Days past the calibration part are the test part of the per-token models; here they may be looked at too.
        origins = np.concatenate([series.origins(p, horizon) for p in ("calibration", "test")])
        location = net.location(series.windows(origins))[:, place]
        errors = series.returns(origins, horizon) - location
        unit = float(np.median(np.abs(errors))) or 1.0
        _, shift, freedom = fit_student(np.zeros((len(errors), 0)), errors / unit, 0.0)
        scales.append(unit * float(np.exp(shift)))
        degrees.append(freedom)
    return OneToken(net, np.array(scales), np.array(degrees))


def _windows(features: FeatureSet, place: int, days: np.ndarray) -> Floats:
    logs = np.log(_filled(features.panel.closes[place]))
    made: Floats = logs[days[:, None] + np.arange(1 - CONTEXT, 1)]
    return made


def _filled(closes: Floats) -> Floats:
    """A gap repeats the last known close."""
    known = np.isfinite(closes)
    last = np.maximum.accumulate(np.where(known, np.arange(len(closes)), -1))
    made: Floats = closes[np.maximum(last, int(np.argmax(known)))]
    return made
