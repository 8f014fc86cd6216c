"""How honest the distributions of portfolios are: random portfolios walked forward through the product's own simulation.

Each token's distribution is the one that the walk-forward would have published on the day; the copula, its correlations of
the year before and its draws are those of `GET /portfolios/{id}/forecast`. All portfolios of a day share the draws.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from coinsphere.portfolio.performance import dependence, forecast_risk, risk
from coinsphere.portfolio.performance.forecast_risk import StatedDistribution
from ml.data.features import Floats, Mask
from ml.data.horizons import HORIZONS, LEVELS
from ml.evaluation import violations
from ml.evaluation.backtest import Backtest
from ml.evaluation.violations import Violations

PORTFOLIOS = 50
_SEED = 50
_LARGEST = 10
"""Tokens of a portfolio: from two to so many."""
_YEAR = 365
TAILS = (0.05, 0.01)
_CENTRAL = ((0.1, 0.9), (0.025, 0.975))


@dataclass(frozen=True, slots=True)
class PortfolioFigures:
    """All portfolios at one horizon; shares are fractions.

    Attributes:
        horizon: days ahead, which is also the step from one origin to the next: spans do not overlap.
        origins: how many there are.
        coverage80: share of outcomes within the central 80 %, the mean over portfolios.
        coverage95: the same of 95 %.
        exceeded: share of losses beyond the value at risk of 95 and of 99 %.
        kupiec: portfolios that Kupiec's test refuses at 5 %, of 95 and of 99 %.
        christoffersen: the same of Christoffersen's test.
        shortfall: mean loss beyond the value at risk, by the expected shortfall; None where nothing was lost beyond.
    """

    horizon: int
    origins: int
    coverage80: float
    coverage95: float
    exceeded: tuple[float, ...]
    kupiec: tuple[int, ...]
    christoffersen: tuple[int, ...]
    shortfall: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class _Day:
    """Of each portfolio on one day: what came, and the quantiles and losses that had been forecast."""

    outcomes: Floats
    quantiles: Floats
    value_at_risk: Floats
    shortfall: Floats


def run(backtest: Backtest, model: str) -> list[PortfolioFigures]:
    """The figures of `PORTFOLIOS` random portfolios by horizon, over all scored days of a walk-forward."""
    weights = random_weights(len(backtest.features.panel.symbols))
    return [
        _figures(horizon, list(_days(backtest, model, place, weights)))
        for place, horizon in enumerate(HORIZONS)
    ]


def random_weights(tokens: int) -> Floats:
    """Portfolios of two to ten tokens with weights uniform on the simplex, shape [PORTFOLIOS, tokens]; always the same."""
    generator = np.random.default_rng(_SEED)
    weights = np.zeros((PORTFOLIOS, tokens))
    for row in weights:
        size = int(generator.integers(2, min(_LARGEST, tokens), endpoint=True))
        row[generator.choice(tokens, size, replace=False)] = generator.dirichlet(np.ones(size))
    return weights


def _days(backtest: Backtest, model: str, place: int, weights: Floats) -> Iterator[_Day]:
    horizon, published = HORIZONS[place], backtest.published[model]
    quantiles, degrees = published.quantiles()[:, :, place], published.student.degrees[:, :, place]
    # Around the price, as the product takes them.
    quantiles = quantiles - quantiles[:, :, LEVELS.index(0.5), None]
    outcomes = backtest.features.outcomes()[:, backtest.first : backtest.end, place]
    moves = np.diff(backtest.features.log_closes, axis=1, prepend=np.nan)
    for day in range(0, backtest.scored.shape[1], horizon):
        past = moves[:, backtest.first + day - _YEAR + 1 : backtest.first + day + 1]
        # A portfolio is of those of its tokens that were forecast and have a year of returns.
        tokens = np.flatnonzero(backtest.scored[:, day, place] & np.isfinite(past).all(axis=1))
        chosen = weights[:, tokens]
        if len(tokens) < 2 or not chosen.any():  # noqa: PLR2004 - two tokens can move together
            continue
        scores = forecast_risk.draw(dependence.kendall(past[tokens]))
        returns = _returns(scores, quantiles[tokens, day], degrees[tokens, day])
        yield _day(returns, np.expm1(outcomes[tokens, day]), chosen)


def _returns(scores: Floats, quantiles: Floats, degrees: Floats) -> Floats:
    """Simulated returns, shape [draws, tokens]."""
    columns = [
        forecast_risk.asset_returns(
            scores[:, at], StatedDistribution(LEVELS, tuple(quantiles[at]), float(degrees[at]))
        )
        for at in range(len(quantiles))
    ]
    return np.stack(columns, axis=1)


def _day(returns: Floats, outcomes: Floats, weights: Floats) -> _Day:
    invested = weights.sum(axis=1)
    is_invested = invested > 0
    shares = np.where(is_invested, weights.T / np.where(is_invested, invested, 1.0), np.nan)
    simulated = returns @ shares
    levels = [level for pair in _CENTRAL for level in pair]
    losses = np.array(
        [
            [
                risk.tail(column, share) if np.isfinite(column[0]) else (np.nan, np.nan)
                for column in simulated.T
            ]
            for share in TAILS
        ]
    )
    return _Day(
        outcomes @ shares, np.quantile(simulated, levels, axis=0), losses[:, :, 0], losses[:, :, 1]
    )


def _figures(horizon: int, days: list[_Day]) -> PortfolioFigures:
    outcomes = np.array([day.outcomes for day in days])
    quantiles = np.array([day.quantiles for day in days])
    value_at_risk = np.array([day.value_at_risk for day in days])
    shortfall = np.array([day.shortfall for day in days])
    within = [
        _share(
            (outcomes >= quantiles[:, 2 * at]) & (outcomes <= quantiles[:, 2 * at + 1]), outcomes
        )
        for at in range(len(_CENTRAL))
    ]
    beyond = -outcomes[:, None] > value_at_risk
    judged = [
        [
            _judge(beyond[:, at, portfolio], outcomes[:, portfolio], share)
            for portfolio in range(outcomes.shape[1])
        ]
        for at, share in enumerate(TAILS)
    ]
    return PortfolioFigures(
        horizon,
        len(days),
        within[0],
        within[1],
        tuple(_share(beyond[:, at], outcomes) for at in range(len(TAILS))),
        tuple(sum(test.kupiec < 0.05 for test in row) for row in judged),  # noqa: PLR2004 - the usual level
        tuple(sum(test.christoffersen < 0.05 for test in row) for row in judged),  # noqa: PLR2004
        tuple(_lost(outcomes, beyond[:, at], shortfall[:, at]) for at in range(len(TAILS))),
    )


def _judge(beyond: Mask, outcomes: Floats, share: float) -> Violations:
    return violations.judge(beyond[np.isfinite(outcomes)], share)


def _lost(outcomes: Floats, beyond: Mask, shortfall: Floats) -> float | None:
    return float(-outcomes[beyond].sum() / shortfall[beyond].sum()) if beyond.any() else None


def _share(mask: Mask, outcomes: Floats) -> float:
    """Share of the portfolios and days that are known."""
    return float(mask[np.isfinite(outcomes)].mean())
