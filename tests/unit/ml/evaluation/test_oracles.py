"""Our figures against those of libraries that are known for them; none is needed to run the product."""

import numpy as np
import pytest
import scoringrules
import statsmodels.api as sm

from ml.evaluation import comparison, scoring
from ml.models.student import Student

RNG = np.random.default_rng(5)
ROWS = 500
LOCATIONS, SCALES = 0.01 * RNG.standard_normal(ROWS), np.exp(RNG.normal(-3, 1, ROWS))
DEGREES = RNG.uniform(2.2, 30, ROWS)
OUTCOMES = LOCATIONS + 2 * SCALES * RNG.standard_normal(ROWS)


def test_scores_of_a_student_t_are_those_of_scoringrules():
    ours = Student(LOCATIONS, SCALES, DEGREES)
    crps = scoringrules.crps_t(OUTCOMES, DEGREES, LOCATIONS, SCALES)
    log_score = scoringrules.logs_t(OUTCOMES, DEGREES, LOCATIONS, SCALES)
    np.testing.assert_allclose(ours.crps(OUTCOMES), crps, rtol=1e-9)
    np.testing.assert_allclose(ours.log_score(OUTCOMES), log_score, rtol=1e-9)


def test_scores_of_a_normal_are_those_of_scoringrules():
    ours = Student.centred(SCALES, np.inf)
    crps = scoringrules.crps_normal(OUTCOMES, 0.0, SCALES)
    np.testing.assert_allclose(ours.crps(OUTCOMES), crps, rtol=1e-9)
    log_score = scoringrules.logs_normal(OUTCOMES, 0.0, SCALES)
    np.testing.assert_allclose(ours.log_score(OUTCOMES), log_score, rtol=1e-9)


@pytest.mark.parametrize("miss", [0.2, 0.05])
def test_interval_and_quantile_scores_are_those_of_scoringrules(miss):
    lows, highs = LOCATIONS - SCALES, LOCATIONS + 1.3 * SCALES
    ours = scoring.interval_score(lows, highs, OUTCOMES, np.array(miss))
    theirs = scoringrules.interval_score(OUTCOMES, lows, highs, miss)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    losses = scoring.pinball_loss(lows, OUTCOMES, miss / 2)
    np.testing.assert_allclose(
        losses, scoringrules.quantile_score(OUTCOMES, lows, miss / 2), rtol=1e-12
    )


@pytest.mark.parametrize("horizon", [1, 7, 30])
def test_diebold_and_marianos_t_is_that_of_a_regression_with_hac_errors(horizon):
    gains = np.convolve(RNG.standard_normal(800), np.ones(horizon) / horizon, "valid") + 0.1
    found = comparison.compare(np.zeros((1, len(gains))), gains[None], horizon)
    lag = comparison.lag_of(horizon, len(gains))
    options = {"maxlags": lag, "use_correction": False}
    fitted = sm.OLS(gains, np.ones(len(gains))).fit(cov_type="HAC", cov_kwds=options)
    assert found.mean == pytest.approx(fitted.params[0], rel=1e-12)
    assert found.t == pytest.approx(fitted.tvalues[0], rel=1e-9)
