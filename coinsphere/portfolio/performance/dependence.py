"""Dependence between assets: the correlations of an elliptical copula, from the ranks of past returns. No I/O.

Pearson's coefficient is that of the copula only where returns are normal. A few wild days of one asset decide it, and so it
understated how far tokens fall together; ranks do not know how wild a day was.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from coinsphere.portfolio.performance.risk import LEAST_DAYS, Floats

_LEAST_EIGENVALUE = 1e-8


def kendall(moves: Floats) -> Floats:
    """The copula's correlation of each pair, sin(pi/2 tau) of Kendall's tau-b over the days that both have.

    That holds for every elliptical copula (Lindskog, McNeil and Schmock 2003).

    Args:
        moves: returns, NaN where unknown, shape [assets, days].

    Returns:
        Shape [assets, assets]; NaN under 30 common days, or where one of the two never moves on them.
    """
    known = np.isfinite(moves)
    first, second = np.triu_indices(moves.shape[1], 1)
    both = (known[:, first] & known[:, second]).astype(np.float32)
    filled = np.where(known, moves, 0.0)
    order = np.sign(filled[:, first] - filled[:, second]).astype(np.float32) * both
    untied = np.abs(order) @ both.T
    with np.errstate(divide="ignore", invalid="ignore"):
        tau = (order @ order.T).astype(np.float64) / np.sqrt(untied * untied.T)
    # Rounding leaves what moves alike a little off one.
    correlations: Floats = np.round(np.sin(np.pi / 2 * np.clip(tau, -1.0, 1.0)), 9)
    correlations[_common(known) < LEAST_DAYS] = np.nan
    return correlations


def of(moves: Sequence[Mapping[date, float]]) -> Floats:
    """`kendall` for assets whose returns are on different days."""
    days = {day: place for place, day in enumerate(sorted({day for each in moves for day in each}))}
    table = np.full((len(moves), len(days)), np.nan)
    for row, each in zip(table, moves, strict=True):
        row[[days[day] for day in each]] = list(each.values())
    return _remembered(table.tobytes(), table.shape).copy()


@lru_cache(maxsize=32)
def _remembered(table: bytes, shape: tuple[int, ...]) -> Floats:
    """Past returns stay as they are until the day ends, while the same portfolio is looked at again and again."""
    return kendall(np.frombuffer(table).reshape(shape))


def positive_definite(known: Floats) -> Floats:
    """The nearest correlation matrix: pairs of different days may contradict each other; unknown ones are zero."""
    wanted = np.where(np.isfinite(known), known, 0.0)
    np.fill_diagonal(wanted, 1.0)
    values, vectors = np.linalg.eigh(wanted)
    repaired = (vectors * np.clip(values, _LEAST_EIGENVALUE, None)) @ vectors.T
    spread = np.sqrt(np.diag(repaired))
    matrix: Floats = repaired / np.outer(spread, spread)
    return matrix


def _common(known: npt.NDArray[np.bool_]) -> Floats:
    counted = known.astype(np.float64)
    common_days: Floats = counted @ counted.T
    return common_days
