"""Levels and scores of Student's t, against scipy's."""

import numpy as np
import pytest
from scipy import special

from coinsphere.portfolio.performance import student

DEGREES = (1.0, 2.1, 4.0, 5.5, 8.0, 17.3, 100.0)
TAILS = np.logspace(-16, np.log10(0.499), 200)
LEVELS = np.concatenate([TAILS, [0.5], 1 - TAILS[10:]])


@pytest.mark.parametrize("degrees", DEGREES)
def test_scores_are_those_of_scipy_far_into_the_tails(degrees: float) -> None:
    found = student.scores(degrees, LEVELS)
    assert found == pytest.approx(special.stdtrit(degrees, LEVELS), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("degrees", DEGREES)
def test_levels_are_those_of_scipy_far_into_the_tails(degrees: float) -> None:
    scores = np.sinh(np.linspace(-5, 5, 201))
    found = student.levels(degrees, scores)
    assert found == pytest.approx(special.stdtr(degrees, scores), rel=1e-10, abs=0)
