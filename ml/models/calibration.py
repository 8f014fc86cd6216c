"""How wide a forecast must be: from the errors that a model made on the calibration part, which it never learned from.

Split conformal prediction with absolute errors: the central interval of probability p is the model's own value plus
and minus the error that a share p of the calibration errors does not exceed. It is symmetric in log returns, as the
sign of an error is not predictable, while signed quantiles of a few months would carry their trend into the future.
"""

import numpy as np

from ml.data.horizons import HORIZONS, LEVELS
from ml.data.windows import Floats, Series
from ml.models.interface import CentredModel


def spread(model: CentredModel, series: Series) -> Floats:
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
