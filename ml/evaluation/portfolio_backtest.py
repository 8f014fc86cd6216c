"""How honest the distributions of portfolios are: random portfolios walked forward through the product's own simulation.

Each token's distribution is the one that the walk-forward would have published on the day; the copula, its correlations of
the year before and its draws are those of `GET /portfolios/{id}/forecast`. All portfolios and horizons of a day share the
draws. Tests want spans that do not overlap, of which there are as many series as a span has days to begin on: which of them is
looked at is luck, so several are, and none is picked.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from coinsphere.portfolio.performance import dependence, forecast_risk, risk
from coinsphere.portfolio.performance.forecast_risk import JointDraws, StatedDistribution
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
_STARTS = 7
"""Series of spans that do not overlap, or as many as the horizon has days: a week's begin on each weekday."""
_LEVEL = 0.05
"""P value below which a test refuses."""
TAILS = (0.05, 0.01)
_CENTRAL = ((0.1, 0.9), (0.025, 0.975))


@dataclass(frozen=True, slots=True)
class PortfolioFigures:
    """All portfolios at one horizon; shares are fractions.

    Attributes:
        horizon: days ahead, which is also the step from one origin to the next of a series: its spans do not overlap.
        origins: how many there are in all series together.
        coverage80: share of outcomes within the central 80 %, the mean over portfolios.
        coverage95: the same of 95 %.
        exceeded: share of losses beyond the value at risk of 95 and of 99 %.
        kupiec: portfolios that Kupiec's test refuses at 5 % in each series, of 95 and of 99 %.
        christoffersen: the same of Christoffersen's test.
        shortfall: mean loss beyond the value at risk, by the expected shortfall; None where nothing was lost beyond.
    """

    horizon: int
    origins: int
    coverage80: float
    coverage95: float
    exceeded: tuple[float, ...]
    kupiec: tuple[tuple[int, ...], ...]
    christoffersen: tuple[tuple[int, ...], ...]
    shortfall: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class _Walk:
    """What was forecast and what came: log returns, shape [tokens, days, HORIZONS, ...]; `moves` of all days of the panel."""

    first: int
    weights: Floats
    scored: Mask
    quantiles: Floats
    degrees: Floats
    outcomes: Floats
    moves: Floats


@dataclass(frozen=True, slots=True)
class _Day:
    """Of each portfolio on one day: what came, and the quantiles and losses that had been forecast."""

    number: int
    outcomes: Floats
    quantiles: Floats
    value_at_risk: Floats
    shortfall: Floats


def run(backtest: Backtest, model: str) -> list[PortfolioFigures]:
    """The figures of `PORTFOLIOS` random portfolios by horizon, over the scored days of a walk-forward."""
    published = backtest.published[model]
    quantiles = published.quantiles()
    walk = _Walk(
        backtest.first,
        random_weights(len(backtest.features.panel.symbols)),
        backtest.scored,
        # Around the price, as the product takes them.
        quantiles - quantiles[..., LEVELS.index(0.5), None],
        published.student.degrees,
        backtest.features.outcomes()[:, backtest.first : backtest.end],
        np.diff(backtest.features.log_closes, axis=1, prepend=np.nan),
    )
    by_horizon: dict[int, list[_Day]] = {horizon: [] for horizon in HORIZONS}
    for number in range(walk.scored.shape[1]):
        for horizon, day in _of_day(walk, number):
            by_horizon[horizon].append(day)
    return [_figures(horizon, days) for horizon, days in by_horizon.items()]


def starts(horizon: int) -> range:
    """The days on which the series of spans that do not overlap begin."""
    return range(0, horizon, max(1, horizon // _STARTS))


def random_weights(tokens: int) -> Floats:
    """Portfolios of two to ten tokens with weights uniform on the simplex, shape [PORTFOLIOS, tokens]; always the same."""
    generator = np.random.default_rng(_SEED)
    weights = np.zeros((PORTFOLIOS, tokens))
    for row in weights:
        size = int(generator.integers(2, min(_LARGEST, tokens), endpoint=True))
        row[generator.choice(tokens, size, replace=False)] = generator.dirichlet(np.ones(size))
    return weights


def _of_day(walk: _Walk, number: int) -> Iterator[tuple[int, _Day]]:
    """The portfolios of one day by horizon, as far as a series of the horizon has an origin on it."""
    end = walk.first + number + 1
    past = walk.moves[:, end - _YEAR : end]
    # A portfolio is of those of its tokens that were forecast and have a year of returns.
    is_known = walk.scored[:, number] & np.isfinite(past).all(axis=1, keepdims=True)
    drawn = np.flatnonzero(is_known.any(axis=1))
    if len(drawn) < 2:  # noqa: PLR2004 - two tokens can move together
        return
    draws = forecast_risk.draw(dependence.kendall(past[drawn]))
    for place, horizon in enumerate(HORIZONS):
        tokens = np.flatnonzero(is_known[:, place])
        chosen = walk.weights[:, tokens]
        if number % horizon not in starts(horizon) or len(tokens) < 2 or not chosen.any():  # noqa: PLR2004 - as above
            continue
        at = np.s_[tokens, number, place]
        places = np.searchsorted(drawn, tokens)
        returns = _returns(draws, places, walk.quantiles[at], walk.degrees[at])
        yield horizon, _day(number, returns, np.expm1(walk.outcomes[at]), chosen)


def _returns(
    draws: JointDraws, places: npt.NDArray[np.intp], quantiles: Floats, degrees: Floats
) -> Floats:
    """Simulated returns of the tokens at `places` of the draws, shape [draws, tokens]."""
    columns = [
        draws.returns(
            int(place), StatedDistribution(LEVELS, tuple(quantiles[at]), float(degrees[at]))
        )
        for at, place in enumerate(places)
    ]
    return np.stack(columns, axis=1)


def _day(number: int, returns: Floats, outcomes: Floats, weights: Floats) -> _Day:
    invested = weights.sum(axis=1)
    is_invested = invested > 0
    shares = np.where(is_invested, weights.T / np.where(is_invested, invested, 1.0), np.nan)
    # Sorted once, as all that follows looks for ranks.
    simulated = np.sort((returns @ shares).T)
    levels = [level for pair in _CENTRAL for level in pair]
    losses = np.array(
        [
            [
                risk.tail(row, share) if np.isfinite(row[0]) else (np.nan, np.nan)
                for row in simulated
            ]
            for share in TAILS
        ]
    )
    quantiles = np.quantile(simulated, levels, axis=1)
    return _Day(number, outcomes @ shares, quantiles, losses[:, :, 0], losses[:, :, 1])


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
    judged = _judged(horizon, days, beyond, outcomes)
    return PortfolioFigures(
        horizon,
        len(days),
        within[0],
        within[1],
        tuple(_share(beyond[:, at], outcomes) for at in range(len(TAILS))),
        tuple(tuple(_refused([test.kupiec for test in each]) for each in row) for row in judged),
        tuple(
            tuple(_refused([test.christoffersen for test in each]) for each in row)
            for row in judged
        ),
        tuple(_lost(outcomes, beyond[:, at], shortfall[:, at]) for at in range(len(TAILS))),
    )


def _judged(
    horizon: int, days: list[_Day], beyond: Mask, outcomes: Floats
) -> list[list[list[Violations]]]:
    """Each portfolio of each series of spans that do not overlap, by tail."""
    began = np.array([day.number % horizon for day in days])
    return [
        [
            _judge(beyond[began == start, at], outcomes[began == start], share)
            for start in np.unique(began)
        ]
        for at, share in enumerate(TAILS)
    ]


def _judge(beyond: Mask, outcomes: Floats, share: float) -> list[Violations]:
    """Each portfolio of one series, both of shape [days, portfolios]."""
    return [
        violations.judge(hits[np.isfinite(known)], share)
        for hits, known in zip(beyond.T, outcomes.T, strict=True)
    ]


def _refused(p_values: list[float]) -> int:
    return sum(p_value < _LEVEL for p_value in p_values)


def _lost(outcomes: Floats, beyond: Mask, shortfall: Floats) -> float | None:
    return float(-outcomes[beyond].sum() / shortfall[beyond].sum()) if beyond.any() else None


def _share(mask: Mask, outcomes: Floats) -> float:
    """Share of the portfolios and days that are known."""
    return float(mask[np.isfinite(outcomes)].mean())
