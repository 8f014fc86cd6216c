"""The rows of a walk-forward's tables: a model at a horizon, on all rows, or for one token or year."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Figures:
    """One model at one horizon. Losses are of log returns; skills and coverages are fractions.

    `coverage` and its errors are of the calibrated intervals, `raw_coverage` of the distributions as they are;
    `token_error` is the mean over tokens of how far coverage is off.
    """

    model: str
    horizon: int
    forecasts: int
    crps: float
    skill: float
    skill_error: float
    dm_t: float
    log_score: float
    log_gain: float
    pinball: float
    interval80: float
    interval95: float
    coverage80: float
    coverage95: float
    raw_coverage80: float
    raw_coverage95: float
    token_error80: float
    token_error95: float
    pit_distance: float
    pit_histogram: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """One model at one horizon for one token or year."""

    model: str
    horizon: int
    of: str
    forecasts: int
    skill: float
    coverage80: float
    coverage95: float


def plain(row: Figures | Slice) -> dict[str, Any]:
    """A row as JSON holds it: what is unknown is null, as JSON knows no NaN."""
    return {
        name: None if isinstance(value, float) and not np.isfinite(value) else value
        for name, value in asdict(row).items()
    }
