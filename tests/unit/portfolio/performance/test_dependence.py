"""Correlations of a copula from ranks, against scipy's Kendall and against a copula whose correlation is known."""

from datetime import date, timedelta

import numpy as np
import pytest
from scipy import stats

from coinsphere.portfolio.performance import dependence

FIRST = date(2026, 1, 1)


def test_it_is_scipys_tau_of_the_days_that_both_have_ties_counted() -> None:
    random = np.random.default_rng(1)
    moves = np.round(random.standard_normal((4, 90)) + random.standard_normal(90), 1)
    moves[1, :40] = np.nan
    moves[2, 50:] = np.nan
    found = dependence.kendall(moves)
    for one, other in ((0, 1), (0, 2), (0, 3), (2, 3)):
        both = np.isfinite(moves[one]) & np.isfinite(moves[other])
        tau = stats.kendalltau(moves[one, both], moves[other, both]).statistic
        assert found[one, other] == pytest.approx(np.sin(np.pi / 2 * tau), abs=1e-6)
    assert np.isnan(found[1, 2]), "they have ten days in common"
    np.testing.assert_array_equal(found, found.T)


def test_margins_however_wild_change_nothing_and_the_copulas_correlation_comes_out() -> None:
    random = np.random.default_rng(2)
    normal = random.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], 1_500)
    wild = normal * np.sqrt(3 / random.chisquare(3, (1_500, 1)))
    wild[:, 1] = np.sinh(wild[:, 1])
    assert dependence.kendall(wild.T)[0, 1] == pytest.approx(0.7, abs=0.04)
    assert abs(np.corrcoef(wild.T)[0, 1] - 0.7) > 0.2, "Pearson's is ruled by the wildest days"


def test_what_never_moves_has_no_correlation_and_twins_have_one() -> None:
    one = np.random.default_rng(3).standard_normal(40)
    days = [FIRST + timedelta(day) for day in range(40)]
    found = dependence.of(
        [dict(zip(days, row, strict=True)) for row in (one, 3 * one, -one, 0 * one)]
    )
    assert found[0, 1] == 1.0
    assert found[0, 2] == -1.0
    assert np.isnan(found[0, 3])


def test_what_was_computed_before_is_the_same_and_nobody_elses_to_change() -> None:
    random = np.random.default_rng(4)
    days = [FIRST + timedelta(day) for day in range(60)]
    moves = [dict(zip(days, random.standard_normal(60), strict=True)) for _ in range(3)]
    first = dependence.of(moves)
    expected = first.copy()
    first[:] = 0
    np.testing.assert_array_equal(dependence.of(moves), expected)
    moves[0][days[-1]] += 5
    assert (dependence.of(moves) != expected).any(), "a day that was corrected counts"
    assert dependence.of([]).shape == (0, 0)


def test_correlations_that_contradict_each_other_are_made_possible() -> None:
    known = np.array([[1, 0.9, 0.9], [0.9, 1, -0.9], [0.9, -0.9, 1]])
    made = dependence.positive_definite(known)
    assert np.linalg.eigvalsh(made).min() > 0
    np.testing.assert_allclose(np.diag(made), 1)
    assert made[0, 1] > 0.3 > -0.3 > made[1, 2]
