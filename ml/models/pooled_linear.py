"""Pooled linear Student-t: log scale as a linear function of the inputs, the same for all tokens.

It ties the LSTM, is fitted in a tenth of a second, and says by its weights which input moved the scale by how much. So
it is the permanent challenger, and half of the champion.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import linalg, optimize, special

from ml.data.features import NAMES, FeatureSet, Floats
from ml.data.horizons import HORIZONS
from ml.models.student import MOST_DEGREES, Student

PENALTY = 0.05
"""Of squared standardised weights at one day, in nats for each outcome. It grows with the root of the horizon, as
overlapping returns are that many fewer samples than rows."""

LEAST_DEGREES = 2.1
_START = (-0.35, 1.5)
_LEAST_CURVATURE = 1e-6
"""Of a direction that the inputs do not span, in which the loss is flat."""


@dataclass(frozen=True, slots=True, eq=False)
class PooledLinear:
    """Weights in the inputs' own units, shape [HORIZONS, NAMES]; intercepts and degrees of freedom by horizon."""

    weights: Floats
    intercepts: Floats
    degrees: Floats
    means: Floats
    name: ClassVar[str] = "pooled_linear"

    def shifts(self, features: FeatureSet, first: int) -> Floats:
        """Log scale against EWMA volatility's, shape [tokens, days, HORIZONS]."""
        log_scales: Floats = features.inputs[:, first:] @ self.weights.T + self.intercepts
        return log_scales

    def predict(self, features: FeatureSet, first: int) -> Student:
        """See `GlobalModel`."""
        return Student.shifted(features.unit[:, first:], self.shifts(features, first), self.degrees)

    def parameters(self) -> Mapping[str, Any]:
        """All of it."""
        return {
            "inputs": list(NAMES),
            "weights": self.weights.tolist(),
            "intercepts": self.intercepts.tolist(),
            "degrees": self.degrees.tolist(),
            "means": self.means.tolist(),
        }

    def binaries(self) -> dict[str, bytes]:
        """None."""
        return {}


def load(parameters: Mapping[str, Any], binaries: Mapping[str, bytes]) -> PooledLinear:  # noqa: ARG001 - one signature
    """The model.

    Raises:
        ValueError: it was made for other inputs than this code's, or its arrays are of another shape.
    """
    if tuple(parameters["inputs"]) != NAMES:
        raise ValueError("it was made for other inputs")
    arrays = [
        np.array(parameters[key], dtype=np.float64)
        for key in ("weights", "intercepts", "degrees", "means")
    ]
    rows = len(HORIZONS)
    if [each.shape for each in arrays] != [(rows, len(NAMES)), (rows,), (rows,), (len(NAMES),)]:
        raise ValueError("its weights are of another shape")
    return PooledLinear(*arrays)


def fit(features: FeatureSet, end: int) -> PooledLinear:
    """Fit each horizon on what was known when day `end` began."""
    known, outcomes = features.known_at(end), features.outcomes() / features.unit
    fits = [
        fit_student(
            features.inputs[known[:, :, place]],
            outcomes[:, :, place][known[:, :, place]],
            PENALTY * horizon**0.5,
        )
        for place, horizon in enumerate(HORIZONS)
    ]
    weights, intercepts, degrees = zip(*fits, strict=True)
    means = features.inputs[known[:, :, 0]].mean(axis=0)
    return PooledLinear(np.array(weights), np.array(intercepts), np.array(degrees), means)


def fit_student(inputs: Floats, outcomes: Floats, penalty: float) -> tuple[Floats, float, float]:
    """Weights, intercept and degrees of freedom of the least penalised negative log likelihood.

    Args:
        inputs: shape [rows, inputs]; without a column only intercept and degrees are fitted.
        outcomes: in units in which the scale is around one, shape [rows].
        penalty: of squared weights on standardised inputs.
    """
    mean, deviation = inputs.mean(axis=0), inputs.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    design = np.column_stack((np.ones(len(inputs)), (inputs - mean) / deviation))
    start = np.concatenate((_START[:1], np.zeros(inputs.shape[1]), _START[1:]))
    natural = _natural(design, penalty)
    data = (natural, design, outcomes, penalty)
    begun = np.linalg.solve(natural, start)
    coefficients = (
        natural @ optimize.minimize(_loss_along, begun, data, jac=True, method="L-BFGS-B").x
    )
    weights = coefficients[1:-1] / deviation
    return weights, float(coefficients[0] - mean @ weights), _degrees(coefficients[-1])


def _natural(design: Floats, penalty: float) -> Floats:
    """From coordinates in which the loss curves alike along all inputs to intercept, weights and degrees.

    A Student t's expected information of the log scale is the same for each row, about one, so its curvature is that of least
    squares. Inputs are much alike, and without this the search takes twice as many steps.
    """
    columns = design.shape[1]
    penalised = np.append(0.0, np.full(columns - 1, 2 * penalty))
    curvature = design.T @ design / len(design) + np.diag(penalised + _LEAST_CURVATURE)
    root = linalg.cholesky(curvature)
    transform: Floats = linalg.block_diag(linalg.inv(root), 1.0)
    return transform


def _loss_along(point: Floats, natural: Floats, *data: Any) -> tuple[float, Floats]:
    loss, gradient = _loss(natural @ point, *data)
    return loss, natural.T @ gradient


def _degrees(freedom: float) -> float:
    return float(min(LEAST_DEGREES + np.logaddexp(0.0, freedom), MOST_DEGREES))


def _loss(point: Floats, design: Floats, outcomes: Floats, penalty: float) -> tuple[float, Floats]:
    """Mean negative log likelihood with its gradient."""
    weights, freedom = point[:-1], point[-1]
    degrees = _degrees(freedom)
    shifts = np.clip(design @ weights, -10.0, 10.0)
    squares = (outcomes * np.exp(-shifts)) ** 2
    inflated = 1 + squares / degrees
    losses = shifts + (degrees + 1) / 2 * np.log(inflated)
    constant = special.gammaln(degrees / 2) - special.gammaln((degrees + 1) / 2)
    constant += 0.5 * np.log(degrees)
    by_shift = 1 - (degrees + 1) * squares / degrees / inflated
    by_degrees = 0.5 * (
        special.psi(degrees / 2)
        - special.psi((degrees + 1) / 2)
        + 1 / degrees
        + np.log(inflated)
        - (degrees + 1) * squares / degrees**2 / inflated
    )
    penalised = np.concatenate(([0.0], weights[1:]))
    gradient = design.T @ by_shift / len(outcomes) + 2 * penalty * penalised
    slope = by_degrees.mean() * special.expit(freedom) * (degrees < MOST_DEGREES)
    loss = losses.mean() + constant + penalty * penalised @ penalised
    return float(loss), np.append(gradient, slope)
