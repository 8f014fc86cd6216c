"""Kupiec's and Christoffersen's tests against scipy's binomial, and their rates on series made to be right and wrong."""

import numpy as np
import pytest
from scipy import stats

from ml.evaluation import violations


@pytest.mark.parametrize(
    ("count", "days", "share"), [(0, 250, 0.01), (17, 1000, 0.01), (40, 900, 0.05), (30, 30, 0.05)]
)
def test_kupiec_is_the_likelihood_ratio_of_two_binomials(count, days, share):
    exceeded = np.zeros(days, dtype=bool)
    exceeded[:count] = True
    ratio = 2 * (
        stats.binom.logpmf(count, days, count / days) - stats.binom.logpmf(count, days, share)
    )
    assert violations.judge(exceeded, share).kupiec == pytest.approx(stats.chi2.sf(ratio, 1))


def test_a_right_forecast_is_refused_as_often_as_said_and_a_wrong_one_nearly_always():
    random = np.random.default_rng(1)
    right = [violations.judge(random.random(1000) < 0.05, 0.05) for _ in range(400)]
    assert 0.02 < np.mean([each.kupiec < 0.05 for each in right]) < 0.09
    assert np.mean([each.christoffersen < 0.05 for each in right]) < 0.10
    wrong = [violations.judge(random.random(1000) < 0.08, 0.05) for _ in range(50)]
    assert np.mean([each.kupiec < 0.05 for each in wrong]) > 0.9


def test_misses_that_come_together_are_found_though_their_number_is_right():
    """Every miss is followed by another: a twentieth of the days, in pairs."""
    random = np.random.default_rng(2)
    starts = random.random(1000) < 0.026
    together = starts | np.roll(starts, 1)
    found = violations.judge(together, 0.05)
    assert found.kupiec > 0.05
    assert found.christoffersen < 0.001
