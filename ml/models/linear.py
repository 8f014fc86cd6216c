"""Ridge regression of the return of each horizon on the 60 daily returns before it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ml.data.horizons import CONTEXT, HORIZONS
from ml.data.windows import Floats, Mask, Series

PENALTIES = (1.0, 10.0, 100.0, 1e3, 1e4, 1e5)
"""Ridge penalties on standardised inputs; the validation part picks one for each horizon."""

_INPUTS = CONTEXT - 1


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """`weights` [HORIZONS, 60] and `intercepts` [HORIZONS] on daily log returns; `penalties` is for the record."""

    weights: Floats
    intercepts: Floats
    penalties: tuple[float, ...]
    algorithm: ClassVar[str] = "linear"

    def location(self, windows: Floats) -> Floats:
        """The regression's value."""
        return np.diff(windows, axis=1) @ self.weights.T + self.intercepts

    def scale(self, windows: Floats) -> Floats:
        """One."""
        return np.ones((len(windows), len(HORIZONS)))

    def is_familiar(self, windows: Floats) -> Mask:
        """Always: returns know no price level; what is unusual in them shows in the volatility."""
        return np.ones(len(windows), dtype=bool)

    def parameters(self) -> Mapping[str, Any]:
        """Weights and penalties by horizon."""
        return {
            "weights": self.weights.tolist(),
            "intercepts": self.intercepts.tolist(),
            "penalties": list(self.penalties),
        }

    def binaries(self) -> dict[str, bytes]:
        """None."""
        return {}


def fit(series: Series) -> Linear:
    """Fit on the training part, with the penalty of the least squared error on the validation part."""
    fits = [_fit_horizon(series, horizon) for horizon in HORIZONS]
    weights, intercepts, penalties = zip(*fits, strict=True)
    return Linear(np.array(weights), np.array(intercepts), penalties)


def load(parameters: Mapping[str, Any], binaries: Mapping[str, bytes]) -> Linear:  # noqa: ARG001 - one signature
    """The model.

    Raises:
        ValueError: weights are of another shape.
    """
    weights = np.array(parameters["weights"], dtype=np.float64)
    intercepts = np.array(parameters["intercepts"], dtype=np.float64)
    if weights.shape != (len(HORIZONS), _INPUTS) or intercepts.shape != (len(HORIZONS),):
        raise ValueError(f"weights of shape {weights.shape}")
    return Linear(weights, intercepts, tuple(parameters["penalties"]))


def ridge(inputs: Floats, targets: Floats, penalty: float) -> tuple[Floats, float]:
    """Weights and intercept of a ridge regression on standardised inputs, in the inputs' own units."""
    mean, deviation = inputs.mean(axis=0), inputs.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    standard = (inputs - mean) / deviation
    gram = standard.T @ standard + penalty * np.eye(inputs.shape[1])
    weights = np.linalg.solve(gram, standard.T @ (targets - targets.mean())) / deviation
    return weights, float(targets.mean() - mean @ weights)


def _fit_horizon(series: Series, horizon: int) -> tuple[Floats, float, float]:
    train, train_targets = _rows(series, "train", horizon)
    held_out, held_out_targets = _rows(series, "validation", horizon)
    candidates = [(*ridge(train, train_targets, penalty), penalty) for penalty in PENALTIES]
    if not len(held_out):
        # Validation may lie in a gap: the heaviest penalty is the most careful guess.
        return candidates[-1]
    return min(
        candidates,
        key=lambda candidate: float(
            np.mean((held_out @ candidate[0] + candidate[1] - held_out_targets) ** 2)
        ),
    )


def _rows(series: Series, part: str, horizon: int) -> tuple[Floats, Floats]:
    origins = series.origins(part, horizon)
    return np.diff(series.windows(origins), axis=1), series.returns(origins, horizon)
