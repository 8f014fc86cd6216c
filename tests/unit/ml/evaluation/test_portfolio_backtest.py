"""Portfolios of a market that does what is forecast are covered as said; of one that is twice as wild they are not."""

from dataclasses import replace

import numpy as np
import pytest

from ml.data import features, panel
from ml.data.features import Floats
from ml.data.horizons import HORIZONS
from ml.evaluation import backtest, portfolio_backtest
from ml.evaluation.held_out_origins import Published
from ml.models.student import Student
from tests.unit.ml import panels

DAYS, TOKENS = 640, 6


@pytest.fixture(scope="module")
def walked() -> backtest.Backtest:
    """A walk-forward over a market of Student returns that share a half of their variance."""
    random = np.random.default_rng(3)
    shared, own = random.standard_normal((1, DAYS)), random.standard_normal((TOKENS, DAYS))
    wild = np.sqrt(8 / random.chisquare(8, (1, DAYS)))
    returns = 0.03 * wild * (np.sqrt(0.5) * shared + np.sqrt(0.5) * own)
    return backtest.run(
        features.build(_panel(returns)),
        panels.FIRST + np.timedelta64(500, "D").astype(object),
        panels.FIRST + np.timedelta64(DAYS, "D").astype(object),
        names=["ewma_t"],
    )


def _panel(returns: Floats) -> panel.Panel:
    closes = 100 * np.exp(np.cumsum(returns, axis=1))
    rows = {
        f"T{token}": {
            panels.FIRST + np.timedelta64(day, "D").astype(object): [
                price, price * 1.02, price * 0.98, price, 1.0
            ]
            for day, price in enumerate(closes[token])
        }
        for token in range(TOKENS)
    }  # fmt: skip
    return panel.from_rows(rows, price_source="test", location="test")


def with_scale(walked: backtest.Backtest, scale: float) -> backtest.Backtest:
    """The same walk, as if the truth times `scale` had been forecast for a day."""
    shape = walked.scored.shape
    unit = 0.03 * scale * np.sqrt(np.broadcast_to([1.0, 7.0, 14.0, 30.0], shape))
    said = Student.centred(unit, 8.0)
    widths = np.broadcast_to([0.8, 0.95], (*shape, 2))
    return replace(walked, published={"ewma_t": Published(said, widths)})


@pytest.mark.slow
def test_right_distributions_are_covered_and_narrow_ones_are_refused(walked):
    right, week, *_ = portfolio_backtest.run(with_scale(walked, 1.0), "ewma_t")
    assert right.origins == walked.scored[:, :, 0].any(axis=0).sum()
    assert abs(right.coverage80 - 0.8) < 0.06
    assert abs(right.coverage95 - 0.95) < 0.03
    assert abs(right.exceeded[0] - 0.05) < 0.03
    assert abs(right.exceeded[1] - 0.01) < 0.02
    assert right.kupiec[0][0] < portfolio_backtest.PORTFOLIOS / 3
    assert week.origins == walked.scored[:, :, 1].any(axis=0).sum(), "weeks begin on every day"
    assert [len(each) for each in week.kupiec] == [7, 7]
    assert 0.7 < right.shortfall[0] < 1.3
    narrow, *_ = portfolio_backtest.run(with_scale(walked, 0.4), "ewma_t")
    assert min(min(narrow.kupiec)) > 0.9 * portfolio_backtest.PORTFOLIOS
    assert narrow.christoffersen[0][0] > 0.9 * portfolio_backtest.PORTFOLIOS


@pytest.mark.parametrize("horizon", HORIZONS)
def test_spans_of_a_series_do_not_overlap_and_no_weekday_is_picked(horizon):
    starts = portfolio_backtest.starts(horizon)
    assert len(set(starts)) == len(starts)
    assert min(horizon, 7) <= len(starts) <= 8
    assert max(starts) < horizon


def test_portfolios_are_always_the_same_and_whole(walked):
    weights = portfolio_backtest.random_weights(TOKENS)
    np.testing.assert_array_equal(weights, portfolio_backtest.random_weights(TOKENS))
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    held = (weights > 0).sum(axis=1)
    assert held.min() >= 2
    assert held.max() <= TOKENS
