"""The market as a whole: regimes of drift and volatility that all tokens share, and the return that moves them.

Days pass through four regimes (bull, quiet, bear, panic) by a Markov chain. Within them the volatility wanders by an
AR(1) of its logarithm, and hourly returns are Student-t. Everything at an instant depends on earlier draws only.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from coinsphere.clock import HOUR
from coinsphere.market.simulation.streams import generator

Floats = NDArray[np.float64]

EPOCH_YEAR = 2018
EPOCH = datetime(EPOCH_YEAR, 1, 1, tzinfo=UTC)
"""The simulated market opens here; no token has an earlier price."""

HOURS_A_YEAR = 365.25 * 24
_TAIL = 4.0
"""Degrees of freedom of the hourly shocks."""
_LARGEST_SHOCK = 12.0
"""Standard deviations past which a shock is cut: no token loses all its worth within an hour."""
MARKET_VOLATILITY = 0.55
"""Annual standard deviation of the market's return in usual times."""
_PERSISTENCE, _WANDER = 0.965, 0.13

# bull, quiet, bear, panic: multiple of the usual volatility, drift a day, and the way from one to the next.
_VOLATILITY = np.array([0.85, 0.55, 1.15, 2.5])
_DRIFT = np.array([0.0018, 0.0002, -0.0017, -0.006])
_QUIET = 1
_TRANSITIONS = np.cumsum(
    np.array(
        [
            [0.982, 0.010, 0.006, 0.002],
            [0.012, 0.976, 0.010, 0.002],
            [0.008, 0.012, 0.972, 0.008],
            [0.060, 0.040, 0.060, 0.840],
        ]
    ),
    axis=1,
)


@dataclass(frozen=True, slots=True)
class Factor:
    """The market from `EPOCH` to the end of a year, hour by hour.

    Attributes:
        returns: log return of the market in each hour.
        stress: volatility as a multiple of the usual in each hour.
        spread: standard deviation of the return of each hour.
    """

    returns: Floats
    stress: Floats
    spread: Floats


@lru_cache(maxsize=4)
def market_factor(seed: int, last_year: int) -> Factor:
    """The market of `seed` up to the end of `last_year`."""
    regimes = _regimes(seed, last_year)
    stress = np.repeat(_VOLATILITY[regimes] * wandering_volatility(seed, "market", last_year), 24)
    drift = np.repeat(_DRIFT[regimes], 24) / 24
    spread = MARKET_VOLATILITY / np.sqrt(HOURS_A_YEAR) * stress
    return Factor(drift + spread * shocks(seed, "market", last_year), stress, spread)


def wandering_volatility(seed: int, name: str, last_year: int) -> Floats:
    """A multiple of the usual volatility for each day since `EPOCH`; its logarithm is an AR(1) around zero."""
    draws = np.concatenate(
        [
            generator(seed, f"{name}/volatility", year).standard_normal(days_in(year))
            for year in range(EPOCH_YEAR, last_year + 1)
        ]
    )
    levels = accumulate(draws * _WANDER, lambda level, step: _PERSISTENCE * level + step)
    return np.exp(np.fromiter(levels, dtype=np.float64, count=len(draws)))


def shocks(seed: int, name: str, last_year: int) -> Floats:
    """One fat-tailed shock of unit variance for each hour since `EPOCH`."""
    draws = np.concatenate(
        [
            generator(seed, f"{name}/returns", year).standard_t(_TAIL, 24 * days_in(year))
            for year in range(EPOCH_YEAR, last_year + 1)
        ]
    )
    unit: Floats = draws / np.sqrt(_TAIL / (_TAIL - 2))
    return unit.clip(-_LARGEST_SHOCK, _LARGEST_SHOCK)


def days_in(year: int) -> int:
    """365 or 366."""
    return (date(year + 1, 1, 1) - date(year, 1, 1)).days


def hour_of(moment: datetime) -> int:
    """Number of the hour that `moment` lies in, counted from `EPOCH`."""
    return (moment - EPOCH) // HOUR


def first_hour(year: int) -> int:
    """Number of the first hour of a year."""
    return hour_of(datetime(year, 1, 1, tzinfo=UTC))


def year_of(hour: int) -> int:
    """The year that an hour lies in."""
    return (EPOCH + hour * HOUR).year


def _regimes(seed: int, last_year: int) -> NDArray[np.intp]:
    """The regime of each day since `EPOCH`."""
    draws = np.concatenate(
        [
            generator(seed, "market/regimes", year).random(days_in(year))
            for year in range(EPOCH_YEAR, last_year + 1)
        ]
    )
    chain = accumulate(
        draws.tolist(),
        lambda regime, draw: int(np.searchsorted(_TRANSITIONS[regime], draw)),
        initial=_QUIET,
    )
    return np.fromiter(chain, dtype=np.intp, count=len(draws))
