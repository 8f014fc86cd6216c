"""What a model has to prove beyond five numbers, horizon by horizon, and what serves where it does not."""

from dataclasses import replace

import numpy as np
import pytest

from ml.data.horizons import HORIZONS
from ml.data.panel import as_date
from ml.evaluation import backtest, gates
from ml.evaluation.gates import Limits, Probes
from ml.models import gk_har_t
from ml.serving import global_forecasting
from ml.training import fitting
from ml.training.fitting import Recipe
from tests.unit.ml import panels

SOUND = Probes(is_causal=True, seed_deviation=0.0, parity=0.0, is_repeatable=True, latency_ms=0.1)
LIMITS = Limits(days=300)
BEYOND = "beyond the five numbers of gk_har_t has a t of"


@pytest.fixture(scope="module")
def market():
    """Volatility that the ranges tell of, and nothing else does."""
    return panels.make_features(days=1000, seed=9)


@pytest.fixture(scope="module")
def walked(market):
    days = market.panel.days
    names = ["ewma_t", "gk_har_t", "pooled_linear"]
    return backtest.run(market, as_date(days[500]), as_date(days[-1]), names=names)


def with_gain(walked, model, gains):
    """The same walk, as if the model had lost less by these shares, horizon by horizon."""
    scores = dict(walked.scores)
    crps = scores["gk_har_t"].crps * (1 - np.array(gains))
    scores[model] = replace(scores[model], crps=crps)
    return replace(walked, scores=scores)


def refusals(walked, model, limits=LIMITS):
    report = gates.judge(walked, model, SOUND, {}, limits)
    return {
        reason.horizon for gate in report.gates for reason in gate.reasons if BEYOND in reason.text
    }


def test_a_model_that_adds_nothing_is_refused_at_each_horizon_and_says_so(walked):
    assert refusals(walked, "pooled_linear") == set(HORIZONS)
    report = gates.judge(walked, "pooled_linear", SOUND, {}, LIMITS)
    assert report.horizons == ()
    assert any(f"G2_baselines: 30 d: what it adds {BEYOND}" in each for each in report.refused())


def test_what_is_proved_at_one_horizon_serves_there(walked):
    """A percent less on every row is a percent that nothing disturbs."""
    better = with_gain(walked, "pooled_linear", (0.01, -0.01, 0.01, 0.0))
    assert refusals(better, "pooled_linear") == {7, 30}


def test_the_five_numbers_need_not_be_better_than_themselves(walked):
    assert refusals(walked, "gk_har_t") == set()


def test_the_simplest_that_stands_is_the_baseline(walked):
    assert gates.simplest(walked) == "gk_har_t"
    worse = with_gain(walked, "ewma_t", (-0.01, -0.01, -0.01, 0.01))
    assert gates.simplest(worse) == "ewma_t", "at 30 days it loses less"
    assert gates.simplest(None) == "ewma_t"


def test_its_factors_are_its_own_terms_and_a_price_that_stands_still_has_a_width(market):
    day = market.inputs.shape[1] - 1
    model = fitting.fit(market, 900, ["gk_har_t"], Recipe())["gk_har_t"]
    effects = model.effects(market, day)
    year = gk_har_t.volatilities(market)[2, day - 364 : day + 1]
    away = year[-1] - year.mean(axis=0)
    np.testing.assert_allclose(effects[2, 1], away * model.slopes[1], rtol=1e-9)
    named = global_forecasting.factors(model, market, day)[2][1]
    largest = int(np.abs(np.expm1(effects[2, 1])).argmax())
    assert named[0].startswith(gk_har_t.NAMES[largest])
    candles = market.panel.candles.copy()
    candles[1, -120:, :4] = candles[1, -121, 3]
    still = replace(market, panel=replace(market.panel, candles=candles))
    scales = model.predict(still, day).scale
    assert np.isfinite(scales[1]).all()
    assert (scales[1] > 0).all()
