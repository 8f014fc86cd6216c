"""Volatility as every model and the novelty flag measure it: exponentially weighted, of daily log returns."""

import numpy as np

from ml.data.windows import Floats

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


def named(volatility: Floats, last_return: float) -> tuple[str, ...]:
    """What explains a random walk's width: the volatility against its mean, and the share of the last move in it.

    Args:
        volatility: EWMA(0.94) volatilities of the days up to now, the oldest first, shape [days]; NaN where unknown.
        last_return: log return of the last day; NaN where unknown.
    """
    now, usual = float(volatility[-1]), float(np.nanmean(volatility))
    change = now / usual - 1
    words = [
        f"volatility is {abs(change):.0%} {'above' if change > 0 else 'below'} its mean of the last {len(volatility)} days"
    ]
    if np.isfinite(last_return):
        share = min((1 - DECAY) * last_return**2 / now**2, 1.0)
        words.append(f"the last day's move makes up {share:.0%} of it")
    return tuple(words)


def of_window(log_closes: Floats) -> tuple[str, ...]:
    """The same of a window of log closes, shape [days]: how the market is that a token's own champion looks at."""
    returns = np.diff(log_closes)
    daily = [float(ewma(log_closes[None, : end + 1])[0]) for end in range(1, len(log_closes))]
    return named(np.array(daily), float(returns[-1]))
