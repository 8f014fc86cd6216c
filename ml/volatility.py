"""Volatility as every model and the novelty flag measure it: exponentially weighted, of daily log returns."""

import numpy as np

from ml.windows import Floats

DECAY = 0.94
"""RiskMetrics' decay for daily returns; 60 of them hold 97.6 % of the weight of an endless history."""

_LEAST = 1e-6
"""A price that stood still has no volatility, and a residual divided by zero no size."""


def ewma(windows: Floats) -> Floats:
    """Daily volatility at the end of each window, shape [windows].

    Args:
        windows: log closes, shape [windows, days].
    """
    returns = np.diff(windows, axis=1)
    weights = DECAY ** np.arange(returns.shape[1] - 1, -1, -1)
    variance = (returns**2 @ weights) / weights.sum()
    volatility: Floats = np.maximum(np.sqrt(variance), _LEAST)
    return volatility
