"""A forecaster from a centred model and the errors that it made on the calibration part, which it never learned from.

Split conformal prediction with absolute errors: the central interval of probability p is the model's own value plus
and minus the error that a share p of the calibration errors does not exceed. It is symmetric in log returns, as the
sign of an error is not predictable, while signed quantiles of a few months would carry their trend into the future.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.data import volatility
from ml.data.horizons import CONTEXT, HORIZONS, LEVELS
from ml.data.windows import Floats, Mask, Series
from ml.models.interface import CentredModel

PARAMETERS = "parameters.json"


@dataclass(frozen=True, slots=True, eq=False)
class ResidualForecaster:
    """The model's value plus `spread` [HORIZONS, LEVELS] times its scale.

    `calm` and `storm` are the least and greatest daily volatility of the training part.
    """

    model: CentredModel
    spread: Floats
    calm: float
    storm: float

    @property
    def algorithm(self) -> str:
        """The model's name."""
        return self.model.algorithm

    def quantiles(self, windows: Floats) -> Floats:
        """Quantiles of the log return, shape [windows, HORIZONS, LEVELS]."""
        location, scale = self.model.location(windows), self.model.scale(windows)
        return location[:, :, None] + scale[:, :, None] * self.spread

    def is_familiar(self, windows: Floats) -> Mask:
        """Whether the volatility is one of the training part, and the model knows windows of this kind."""
        now = volatility.ewma(windows)
        return (now >= self.calm) & (now <= self.storm) & self.model.is_familiar(windows)

    def files(self) -> dict[str, bytes]:
        """Parameters as JSON, and the model's own files. A float is written so that it reads back bit for bit."""
        parameters = {
            "algorithm": self.algorithm,
            "context": CONTEXT,
            "horizons": list(HORIZONS),
            "levels": list(LEVELS),
            "spread": self.spread.tolist(),
            "volatility": [self.calm, self.storm],
            "model": dict(self.model.parameters()),
        }
        text = json.dumps(parameters, indent=1, allow_nan=False)
        return {PARAMETERS: text.encode(), **self.model.binaries()}


def calibrate(model: CentredModel, series: Series) -> ResidualForecaster:
    """A forecaster whose intervals rest on the calibration part of `series`."""
    trained_on = volatility.ewma(series.windows(series.origins("train", 1)))
    return ResidualForecaster(
        model,
        error_quantiles(model, series),
        float(trained_on.min()),
        float(trained_on.max()),
    )


def restore(model: CentredModel, parameters: Mapping[str, Any]) -> ResidualForecaster:
    """The forecaster that `files` described.

    Raises:
        ValueError: it was made for other horizons, levels or windows than this code's.
    """
    made_for = (parameters["context"], tuple(parameters["horizons"]), tuple(parameters["levels"]))
    if made_for != (CONTEXT, HORIZONS, LEVELS):
        raise ValueError(f"it was made for another context, horizons or levels: {made_for}")
    spread = np.array(parameters["spread"], dtype=np.float64)
    if spread.shape != (len(HORIZONS), len(LEVELS)) or (np.diff(spread, axis=1) < 0).any():
        raise ValueError("its quantiles do not ascend")
    calm, storm = parameters["volatility"]
    return ResidualForecaster(model, spread, float(calm), float(storm))


def error_quantiles(model: CentredModel, series: Series) -> Floats:
    """Quantiles of the error in units of the model's scale, shape [HORIZONS, LEVELS], ascending by level."""
    candidates = series.candidates("calibration")
    windows = series.windows(candidates)
    location, scale = model.location(windows), model.scale(windows)
    rows = []
    for index, horizon in enumerate(HORIZONS):
        origins = series.origins("calibration", horizon)
        at = np.searchsorted(candidates, origins)
        errors = series.returns(origins, horizon) - location[at, index]
        rows.append(symmetric_quantiles(errors / scale[at, index]))
    return np.array(rows)


def symmetric_quantiles(errors: Floats) -> Floats:
    """Quantiles at LEVELS of a distribution around zero whose central intervals hold their share of `errors`."""
    sizes = np.sort(np.abs(errors))
    return np.array([_signed(sizes, level) for level in LEVELS])


def _signed(sizes: Floats, level: float) -> float:
    share = abs(2 * level - 1)
    # The (n + 1)-th error, the one to come, is as likely in each place among the n that are known.
    rank = min(int(np.ceil(round((len(sizes) + 1) * share, 9))), len(sizes))
    return float(np.sign(level - 0.5) * sizes[rank - 1]) if rank else 0.0
