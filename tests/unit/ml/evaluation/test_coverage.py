"""The gate of calibration: luck is no reason, five points are one where the days allow it, and reasons keep to a horizon."""

import numpy as np
import pytest

from ml.data.horizons import HORIZONS
from ml.evaluation import coverage
from ml.evaluation.gate_report import Gate, GateReport, Reason
from ml.evaluation.scoring import NOMINAL
from tests.unit.ml.calibrated import market, refused

RUNS = 40


@pytest.fixture(scope="module")
def rates():
    """Shares of refused forecasts by horizon over two years: right ones, and some that are five points off."""
    rng = np.random.default_rng(11)
    made = []
    for true in (NOMINAL, (0.75, NOMINAL[1])):
        found = [refused(market(rng, 1095), true) for _ in range(RUNS)]
        made.append(dict(zip(HORIZONS, np.mean(found, axis=0), strict=True)))
    return made


def test_a_calibrated_forecast_is_hardly_ever_refused(rates):
    """A rate of 5 % gives more than six of forty once in a hundred; `bench gates` measures it with more markets."""
    right, _ = rates
    assert max(right.values()) <= 6 / RUNS


def test_five_points_are_found_at_short_horizons_and_cannot_be_at_long_ones(rates):
    _, off = rates
    assert off[1] == 1.0
    assert off[7] >= 0.6
    assert off[30] <= 0.6, "a thousand days are three dozen windows: whoever finds it there guesses"


def test_tokens_that_move_as_one_are_one():
    rng = np.random.default_rng(4)
    one = rng.random((1, 1000)) < 0.8
    known = np.ones((24, 1000), dtype=bool)
    alone = coverage.judge(one, known[:1], 0.8, 1)
    together = coverage.judge(np.repeat(one, 24, axis=0), known, 0.8, 1)
    assert together.effective == pytest.approx(alone.effective)
    apart = coverage.judge(rng.random((24, 1000)) < 0.8, known, 0.8, 1)
    assert apart.effective > 10 * alone.effective


def test_what_is_not_known_counts_for_nothing():
    rng = np.random.default_rng(4)
    within, known = rng.random((3, 400)) < 0.8, rng.random((3, 400)) < 0.7
    found = coverage.judge(within, known, 0.8, 7)
    assert found.share == pytest.approx(within[known].mean())
    assert found.lower < found.share < found.upper


@pytest.mark.parametrize(("inside", "ends"), [(True, (0.99, 1.0)), (False, (0.0, 0.03))])
def test_all_or_nothing_has_bounds_too(inside, ends):
    found = coverage.judge(np.full((2, 900), inside), np.ones((2, 900), dtype=bool), 0.8, 1)
    assert ends[0] <= found.lower <= found.share <= found.upper <= ends[1]
    assert not found.explains(0.8)


def test_a_reason_of_one_horizon_leaves_the_others_alone():
    gates = (
        Gate("G4", (Reason("84 % in the 80 % interval", 30),)),
        Gate("G1", ()),
    )
    report = GateReport("x", gates)
    assert (report.passed, report.horizons) == (False, (1, 7, 14))
    assert report.refused(30) == report.refused() == ("G4: 30 d: 84 % in the 80 % interval",)
    assert report.refused(1) == ()
    everywhere = GateReport("x", (*gates, Gate("G6", (Reason("it is slow"),))))
    assert everywhere.horizons == ()
    assert everywhere.refused(1) == ("G6: it is slow",)
