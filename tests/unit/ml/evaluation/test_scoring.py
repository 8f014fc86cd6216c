"""Scores against numerical integration, the test and the intervals against independent, slow implementations."""

import numpy as np
import pytest
from scipy import integrate, stats

from ml.data.horizons import HORIZONS
from ml.evaluation import comparison, conformal, scoring
from ml.evaluation.scoring import NOMINAL
from ml.models.student import Student


def _one(location, scale, degrees):
    return Student(np.array([location]), np.array([scale]), np.array([degrees]))


@pytest.mark.parametrize("degrees", [2.1, 3.5, 20.0, np.inf])
@pytest.mark.parametrize("outcome", [-0.31, 0.0, 0.05, 2.0])
def test_crps_is_the_integral_of_the_squared_error_of_the_distribution(degrees, outcome):
    made = _one(0.01, 0.04, degrees)
    law = stats.norm(0.01, 0.04) if np.isinf(degrees) else stats.t(degrees, 0.01, 0.04)

    def error(x):
        return (law.cdf(x) - (x >= outcome)) ** 2

    below, _ = integrate.quad(error, -np.inf, outcome, limit=500)
    above, _ = integrate.quad(error, outcome, np.inf, limit=500)
    assert made.crps(np.array([outcome]))[0] == pytest.approx(below + above, rel=1e-5)
    assert made.log_score(np.array([outcome]))[0] == pytest.approx(-law.logpdf(outcome))
    assert made.cdf(np.array([outcome]))[0] == pytest.approx(law.cdf(outcome))
    assert made.quantile(0.9)[0] == pytest.approx(law.ppf(0.9))


def test_many_degrees_are_a_normal():
    many, normal = _one(0.0, 1.0, 1e13), _one(0.0, 1.0, np.inf)
    assert many.crps(np.array([0.7])) == pytest.approx(normal.crps(np.array([0.7])), rel=5e-3)


def test_the_true_scale_scores_best():
    outcomes = np.random.default_rng(0).standard_t(4, 20_000)
    losses = [
        Student.centred(np.full(20_000, scale), 4.0).crps(outcomes).mean()
        for scale in (0.7, 1.0, 1.4)
    ]
    assert losses[1] < min(losses[0], losses[2])


def test_figures_of_one_row():
    made = scoring.score(_one(0.0, 1.0, np.inf), np.array([1.5]), np.array([NOMINAL]))
    ends = stats.norm.ppf(0.9), stats.norm.ppf(0.975)
    assert made.within[0].tolist() == [False, True]
    assert made.interval[0, 0] == pytest.approx(2 * ends[0] + 2 / 0.2 * (1.5 - ends[0]))
    assert made.interval[0, 1] == pytest.approx(2 * ends[1])
    losses = [
        max(level * (1.5 - quantile), (level - 1) * (1.5 - quantile))
        for level, quantile in zip(
            (0.025, 0.1, 0.5, 0.9, 0.975),
            stats.norm.ppf([0.025, 0.1, 0.5, 0.9, 0.975]),
            strict=True,
        )
    ]
    assert made.pinball[0] == pytest.approx(np.mean(losses))


def test_pit_distance_is_that_of_kolmogorov_and_smirnov():
    pit = np.random.default_rng(0).beta(2, 2, 500)
    assert scoring.pit_distance(pit) == pytest.approx(stats.kstest(pit, "uniform").statistic)
    assert sum(scoring.pit_histogram(pit)) == pytest.approx(1)


def _slow_variance(series, lag):
    mean, total = series.mean(), 0.0
    for first in range(len(series)):
        for second in range(len(series)):
            weight = max(0.0, 1 - abs(first - second) / (lag + 1))
            total += weight * (series[first] - mean) * (series[second] - mean)
    return total / len(series)


def test_the_variance_of_the_mean_counts_related_days():
    rng = np.random.default_rng(0)
    series = np.convolve(rng.standard_normal(300), np.ones(7) / 7, "valid")
    assert comparison.long_run_variance(series, 10) == pytest.approx(_slow_variance(series, 10))
    assert comparison.long_run_variance(series, 10) > 3 * series.var()


def test_tokens_of_a_day_are_one_sample():
    daily = np.random.default_rng(0).standard_normal(400)
    one = comparison.compare(np.zeros((1, 400)), daily[None], 1)
    many = comparison.compare(np.zeros((30, 400)), np.tile(daily, (30, 1)), 1)
    assert many.t == pytest.approx(one.t)
    assert many.mean == pytest.approx(daily.mean())


def test_the_test_rejects_as_often_as_it_says():
    rng = np.random.default_rng(0)
    found = [
        comparison.compare(np.zeros((1, 730)), rng.standard_normal((1, 730)), 1).t > 1.645
        for _ in range(1000)
    ]
    assert 0.03 < np.mean(found) < 0.075


def _slow_conformal(scores, place, horizon):
    """Day by day, from the definition, with lists."""
    tokens, days, _ = scores.shape
    offset = {(token, at): 0.0 for token in range(tokens) for at in range(2)}
    made = np.full((tokens, days, 2), np.nan)
    level = list(NOMINAL)
    away = dict.fromkeys(offset, 0.0)
    for day in range(days):
        known = range(max(day - horizon + 1, 0))
        if day % 7 == 0:
            held = sorted(
                scores[token, before, place]
                for token in range(tokens)
                for before in known
                if before >= day - horizon + 1 - 730 and np.isfinite(scores[token, before, place])
            )
            level = list(NOMINAL)
            if len(held) >= 200:
                windows = min(len(known), 730) / horizon
                believed = windows / (windows + conformal.PRIOR_WINDOWS)
                for at, nominal in enumerate(NOMINAL):
                    rank = min(int(np.ceil((len(held) + 1) * nominal)), len(held))
                    level[at] += believed * (held[rank - 1] - nominal)
            for token in range(tokens):
                mine = sorted(
                    scores[token, before, place]
                    for before in known
                    if np.isfinite(scores[token, before, place])
                )
                for at, nominal in enumerate(NOMINAL if len(mine) >= 60 else ()):
                    rank = min(int(np.ceil((len(mine) + 1) * nominal)), len(mine))
                    own = min(max(mine[rank - 1], 0.5), 0.9995)
                    windows = len(mine) / horizon
                    away[token, at] = windows / (windows + (30, 100)[at]) * (own - level[at])
        for token in range(tokens):
            for at, nominal in enumerate(NOMINAL):
                answered = scores[token, day - horizon, place] if day >= horizon else np.nan
                if np.isfinite(answered):
                    missed = answered > made[token, day - horizon, at]
                    offset[token, at] += conformal.STEPS[horizon][at] * (missed - (1 - nominal))
                made[token, day, at] = min(
                    max(level[at] + away[token, at] + offset[token, at], 0.5), 0.9995
                )
    return made


def test_intervals_follow_outcomes_as_an_independent_implementation_does():
    rng = np.random.default_rng(0)
    scores = rng.beta(1.4, 1, (3, 160, len(HORIZONS)))
    scores[1, :40] = np.nan
    widths, state = conformal.run(("A", "B", "C"), scores)
    for place, horizon in enumerate(HORIZONS):
        np.testing.assert_allclose(widths[:, :, place], _slow_conformal(scores, place, horizon))
    np.testing.assert_array_equal(state.widths("NEW"), state.pooled)
    assert (
        conformal.Conformal.from_json(state.to_json()).widths("B").tolist()
        == state.widths("B").tolist()
    )


def test_intervals_know_nothing_of_outcomes_to_come():
    scores = np.random.default_rng(0).random((3, 200, len(HORIZONS)))
    changed = scores.copy()
    for place, horizon in enumerate(HORIZONS):
        changed[:, 120 - horizon + 1 :, place] = 0.999
    before, after = (conformal.run(("A", "B", "C"), each)[0] for each in (scores, changed))
    assert before[:, :121].tobytes() == after[:, :121].tobytes()
    assert (before[:, 130:] != after[:, 130:]).any()


def test_intervals_of_wrong_distributions_come_to_hold_what_they_promise():
    rng = np.random.default_rng(0)
    law = Student.centred(np.full((20, 1500, len(HORIZONS)), 0.6), np.inf)
    scores = conformal.conformity(law.cdf(rng.standard_normal((20, 1500, len(HORIZONS)))))
    widths, _ = conformal.run(tuple("ABCDEFGHIJKLMNOPQRST"), scores)
    held = (scores[:, 500:, 0, None] <= widths[:, 500:, 0]).mean(axis=(0, 1))
    assert (scores[:, 500:, 0] <= 0.8).mean() < 0.6
    np.testing.assert_allclose(held, NOMINAL, atol=0.01)
