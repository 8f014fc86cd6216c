"""Scores against independent computations, and who becomes champion."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from ml.data import windows
from ml.data.horizons import HORIZONS, LEVELS
from ml.data.panel import Belief
from ml.errors import NoChampion, TooLittleHistory
from ml.evaluation import held_out
from ml.evaluation.results import Score, TrainedModel
from ml.models import artifact, residual
from ml.models.artifact import TokenFacts
from ml.models.ewma import Ewma
from ml.models.naive import Naive
from tests.unit.ml.conftest import DAYS, TOKEN, closes, training_set_of

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def _trained(model, series, version: int, held_out_from: date) -> TrainedModel:
    facts = TokenFacts(
        model.algorithm,
        f"r{version}",
        NOW,
        NOW,
        "0" * 64,
        "test",
        "c",
        TOKEN.id,
        "ABC",
        held_out_from,
    )
    files = artifact.pack(residual.calibrate(model, series), facts)
    return TrainedModel(
        TOKEN, model.algorithm, "ABC-0", version, facts.run_id, facts.data_digest, "c", files
    )


@pytest.fixture(scope="module")
def training_set():
    return training_set_of(closes())


@pytest.fixture(scope="module")
def trained(series) -> list[TrainedModel]:
    first = date(2024, 1, 1).toordinal() + series.parts.test
    first_unseen = date.fromordinal(first)
    return [_trained(Naive(), series, 1, first_unseen), _trained(Ewma(), series, 2, first_unseen)]


def test_pinball_is_its_definition():
    rng = np.random.default_rng(4)
    quantiles, outcomes = np.sort(rng.normal(size=(50, len(LEVELS)))), rng.normal(size=50)
    expected = [
        np.mean(
            [
                level * (y - q) if y >= q else (1 - level) * (q - y)
                for level, q in zip(LEVELS, row, strict=True)
            ]
        )
        for row, y in zip(quantiles, outcomes, strict=True)
    ]
    assert held_out.pinball(quantiles, outcomes) == pytest.approx(expected)


def test_scores_of_naive_by_hand(training_set, trained, series):
    """Every origin of the test part, counted with plain loops."""
    made = held_out.evaluate(training_set, trained, evaluated_at=NOW)
    horizon = 7
    (score,) = [each for each in made.of("naive") if each.horizon_days == horizon]
    spread = residual.calibrate(Naive(), series).spread[HORIZONS.index(horizon)]
    logs = np.log(closes())
    outcomes = [logs[day + horizon] - logs[day] for day in range(series.parts.test, DAYS - horizon)]
    inside = [abs(outcome) <= spread[LEVELS.index(0.9)] for outcome in outcomes]
    assert score.forecasts == len(outcomes)
    assert score.coverage80 == pytest.approx(np.mean(inside))
    assert score.mean_absolute_error == pytest.approx(np.mean(np.abs(outcomes)))
    assert score.skill_vs_naive == 0
    assert (score.first_origin, score.last_origin) == (
        training_set.first_day + (date(2024, 1, 2) - date(2024, 1, 1)) * series.parts.test,
        date.fromordinal(training_set.last_day.toordinal() - horizon),
    )


def test_the_champion_is_the_best_over_all_horizons():
    scores = {
        "naive": [_score("naive", horizon, 0.0) for horizon in HORIZONS],
        "ewma": [
            _score("ewma", horizon, skill)
            for horizon, skill in zip(HORIZONS, (0.1, 0, 0, -0.02), strict=True)
        ],
        "lstm": [
            _score("lstm", horizon, skill)
            for horizon, skill in zip(HORIZONS, (-0.9, 0, 0, 0.5), strict=True)
        ],
    }
    assert held_out.choose(scores) == "ewma"
    assert held_out.choose({"lstm": scores["lstm"], "naive": scores["naive"]}) == "naive"


def test_of_equals_the_simpler_one_serves():
    scores = {
        name: [_score(name, horizon, 0.0) for horizon in HORIZONS] for name in ("lstm", "naive")
    }
    assert held_out.choose(scores) == "naive"


def _score(algorithm: str, horizon: int, skill: float) -> Score:
    day = date(2025, 1, 1)
    return Score(algorithm, 1, "r", horizon, day, day, 1, 0.1, 0.1, skill, 0.8, 0.95)


def test_scores_begin_where_the_last_model_stopped_learning(training_set, series, trained):
    later = date.fromordinal(date(2024, 1, 1).toordinal() + series.parts.test + 5)
    models = [trained[0], _trained(Ewma(), series, 2, later)]
    made = held_out.evaluate(training_set, models, evaluated_at=NOW)
    assert {score.first_origin for score in made.scores} == {later}


def test_too_few_held_out_days_decide_nothing(training_set, series):
    late = date.fromordinal(training_set.last_day.toordinal() - 40)
    with pytest.raises(TooLittleHistory, match="can be checked"):
        held_out.evaluate(training_set, [_trained(Naive(), series, 1, late)], evaluated_at=NOW)


def test_without_naive_there_is_nothing_to_beat(training_set, trained):
    with pytest.raises(NoChampion):
        held_out.evaluate(training_set, trained[1:], evaluated_at=NOW)
    with pytest.raises(NoChampion):
        held_out.evaluate(training_set, [], evaluated_at=NOW)


def test_a_price_that_stands_still_is_forecast_perfectly_by_all():
    still = windows.series(np.full(DAYS, 1.0), np.ones(DAYS, dtype=bool))
    first_unseen = date.fromordinal(date(2024, 1, 1).toordinal() + still.parts.test)
    models = [_trained(Naive(), still, 1, first_unseen), _trained(Ewma(), still, 2, first_unseen)]
    made = held_out.evaluate(training_set_of(np.full(DAYS, 1.0)), models, evaluated_at=NOW)
    assert made.champion.algorithm == "naive"
    assert {score.skill_vs_naive for score in made.scores} == {0.0}
    assert {score.coverage95 for score in made.scores} == {1.0}


def test_each_forecast_reads_what_was_believed_on_its_day(training_set, trained, series):
    """A close was raised by a correction 20 days later: those days forecast from what it had been."""
    closed, learned = series.parts.test + 10, series.parts.test + 30
    prices = closes()
    prices[closed] *= 1.02
    first = training_set.first_day
    days = [first + timedelta(days=place) for place in (closed, learned)]
    then = [0.0, 0.0, 0.0, closes()[closed], 0.0]
    belief = Belief("ABC", days[0], then, date.min, days[1])
    before, now, ours = (
        quantiles(held_out.evaluate(each, trained, evaluated_at=NOW, beliefs=beliefs))
        for each, beliefs in (
            (training_set, ()), (training_set_of(prices), ()), (training_set_of(prices), [belief])
        )
    )  # fmt: skip
    cut = days[1] + timedelta(days=1)
    early = {key for key in ours if key[1].date() < cut}
    assert {key: ours[key] for key in early} == {key: before[key] for key in early}
    assert {key: ours[key] for key in early} != {key: now[key] for key in early}
    assert {key: ours[key] for key in ours.keys() - early} == {
        key: now[key] for key in now.keys() - early
    }


def quantiles(made):
    """Of each origin of the champion, by horizon and moment; it is one that reads more than the last close."""
    assert made.champion.algorithm == "ewma"
    return {(each.horizon_days, each.origin_at): each.quantiles for each in made.origins}
