"""What implied volatility adds to the pooled linear model in a backtest: the figure by which it goes in or not."""

from functools import partial

from ml.data.horizons import HORIZONS
from ml.data.implied import Closes
from ml.evaluation.backtest import Backtest
from ml.evaluation.comparison import Difference
from ml.models import implied_linear
from ml.models.implied_linear import ImpliedLinear
from ml.models.pooled_linear import PooledLinear
from ml.training.fitting import Recipe

NAMES = (ImpliedLinear.name, PooledLinear.name)
"""What is compared."""


def recipe(closes: Closes) -> Recipe:
    """How models are fitted where implied volatility is tried."""
    return Recipe(own={ImpliedLinear.name: partial(implied_linear.fit, closes)})


def added(backtest: Backtest) -> dict[int, Difference]:
    """The gain in CRPS by horizon, in units of the reference's; empty where it was not tried."""
    if not set(NAMES) <= set(backtest.scores):
        return {}
    return {
        horizon: backtest.difference(*NAMES, horizon)
        for place, horizon in enumerate(HORIZONS)
        if backtest.scored[:, :, place].any()
    }
