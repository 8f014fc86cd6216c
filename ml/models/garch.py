"""GJR-GARCH(1,1) with Student-t errors, one for each token, fitted by `arch`; its tails are pooled by horizon.

A token with too few days, or whose fit does not converge, is forecast by EWMA volatility alone, so that every model of
a comparison answers for the same rows.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.signal import lfilter

from ml.data.features import DECAY, FeatureSet, Floats
from ml.data.horizons import HORIZONS
from ml.models.random_walk import tails
from ml.models.student import Student

LEAST_DAYS = 200
_PERCENT = 100.0
"""`arch` wants returns in percent: its optimiser does not converge on numbers of a thousandth."""
_MOST_PERSISTENT = 0.99
_LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class Dynamics:
    """Variance of tomorrow = omega + (alpha + gamma if the return was negative) * return² + beta * variance."""

    omega: float
    alpha: float
    gamma: float
    beta: float

    @property
    def persistence(self) -> float:
        """Share of today's excess variance that is left tomorrow; half of all returns are negative."""
        return min(self.alpha + self.gamma / 2 + self.beta, _MOST_PERSISTENT)


_EWMA = Dynamics(0.0, 1 - DECAY, 0.0, DECAY)


@dataclass(frozen=True, slots=True, eq=False)
class Garch:
    """The dynamics of each token by symbol, in squared log returns; shift and degrees by horizon."""

    dynamics: Mapping[str, Dynamics]
    shifts: Floats
    degrees: Floats
    name: ClassVar[str] = "gjr_garch_t"

    def predict(self, features: FeatureSet, first: int) -> Student:
        """See `GlobalModel`."""
        deviations = _deviations(self.dynamics, features)[:, first:]
        return Student.shifted(deviations, self.shifts, self.degrees)

    def parameters(self) -> Mapping[str, Any]:
        """All of it."""
        return {
            "dynamics": {symbol: asdict(each) for symbol, each in self.dynamics.items()},
            "shifts": self.shifts.tolist(),
            "degrees": self.degrees.tolist(),
        }

    def binaries(self) -> dict[str, bytes]:
        """None."""
        return {}


def load(parameters: Mapping[str, Any], binaries: Mapping[str, bytes]) -> Garch:  # noqa: ARG001 - one signature
    """The model.

    Raises:
        ValueError, TypeError: its parameters are of another shape.
    """
    dynamics = {symbol: Dynamics(**each) for symbol, each in parameters["dynamics"].items()}
    shifts, degrees = (np.array(parameters[key], dtype=np.float64) for key in ("shifts", "degrees"))
    if not len(shifts) == len(degrees) == len(HORIZONS):
        raise ValueError("it was made for other horizons")
    return Garch(dynamics, shifts, degrees)


def fit(features: FeatureSet, end: int) -> Garch:
    """Fit each token on its returns before day `end`, then the tails of all."""
    returns = _returns(features)[:, :end]
    dynamics = {
        symbol: _fit_one(returns[place][np.isfinite(returns[place])])
        for place, symbol in enumerate(features.panel.symbols)
    }
    shifts, degrees = tails(features, _deviations(dynamics, features), end)
    return Garch(dynamics, shifts, degrees)


def _fit_one(returns: Floats) -> Dynamics:
    if len(returns) < LEAST_DAYS or returns.std() < _LEAST:
        return _EWMA
    from arch import arch_model  # noqa: PLC0415 - slow to import, and serving needs none of it

    model = arch_model(
        _PERCENT * returns, mean="Zero", vol="GARCH", p=1, o=1, q=1, dist="t", rescale=False
    )
    fitted = model.fit(disp="off", show_warning=False)
    values = dict(fitted.params)
    dynamics = Dynamics(
        omega=float(values["omega"]) / _PERCENT**2,
        alpha=float(values["alpha[1]"]),
        gamma=float(values["gamma[1]"]),
        beta=float(values["beta[1]"]),
    )
    return dynamics if fitted.convergence_flag == 0 and dynamics.beta < 1 else _EWMA


def _returns(features: FeatureSet) -> Floats:
    return np.diff(features.log_closes, axis=1, prepend=np.nan)


def _deviations(dynamics: Mapping[str, Dynamics], features: FeatureSet) -> Floats:
    """Standard deviation of the return of each horizon after each day, shape [tokens, days, HORIZONS]."""
    returns = _returns(features)
    rows = [
        _horizons(dynamics.get(symbol, _EWMA), returns[place])
        for place, symbol in enumerate(features.panel.symbols)
    ]
    return np.maximum(np.sqrt(np.stack(rows)), _LEAST)


def _horizons(one: Dynamics, returns: Floats) -> Floats:
    """Variance of the sum of the returns of each horizon after each day, shape [days, HORIZONS]."""
    known = np.isfinite(returns)
    squares = np.where(known, returns**2, 0.0)
    first = squares[known][:30].mean() if known.any() else _LEAST
    news = one.omega + (one.alpha + one.gamma * (returns < 0)) * squares
    # A day that is not known tells nothing: the variance is taken to be where it was.
    news = np.where(known, news, (1 - one.beta) * first)
    tomorrow = lfilter([1.0], [1.0, -one.beta], news, zi=[one.beta * first])[0]
    persistence = one.persistence
    usual = one.omega / (1 - persistence)
    variances = []
    for horizon in HORIZONS:
        share = (1 - persistence**horizon) / (1 - persistence)
        variances.append(horizon * usual + (tomorrow - usual) * share)
    return np.column_stack(variances)
