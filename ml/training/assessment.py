"""The fit of the assessment's LSTM among the global models: one net for each token that is old enough."""

import numpy as np

from ml.data import windows
from ml.data.features import FeatureSet, Floats
from ml.data.horizons import HORIZONS
from ml.errors import TooLittleHistory
from ml.models import random_walk
from ml.models.assessment import Assessment, OneToken, filled
from ml.models.pooled_linear import fit_student
from ml.training import lstm_loop

TRAINING_DAYS = 730
_SEED = 7


def fit(features: FeatureSet, end: int, *, epochs: int) -> Assessment:
    """Train a net for each token that is old enough, on its last `TRAINING_DAYS` days before day `end`."""
    nets = {}
    for place, symbol in enumerate(features.panel.symbols):
        closes = features.panel.closes[place, max(end - TRAINING_DAYS, 0) : end]
        known = np.isfinite(closes)
        if known[-1:].any() and not features.pegged[place, end - 1]:
            first = int(np.argmax(known))
            try:
                nets[symbol] = _fit_one(filled(closes[first:]), known[first:], epochs)
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
