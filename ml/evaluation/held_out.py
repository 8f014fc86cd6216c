"""Scores on days that no model of the comparison has seen, and the choice of the champion."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from coinsphere.clock import start_of_day
from ml.data import vintages, windows
from ml.data.datasets import TrainingSet
from ml.data.horizons import HORIZONS, LEVELS
from ml.data.panel import Belief
from ml.data.windows import Floats, Indices, Series
from ml.errors import NoChampion
from ml.evaluation import plots
from ml.evaluation.origin import Origin
from ml.evaluation.plots import Skills
from ml.evaluation.results import Evaluation, Score, TrainedModel
from ml.evaluation.scoring import pinball_loss
from ml.models import artifact, catalog, manifest
from ml.models.artifact import Artifact
from ml.models.manifest import MANIFEST


def evaluate(
    training_set: TrainingSet,
    trained: Sequence[TrainedModel],
    *,
    evaluated_at: datetime,
    beliefs: Sequence[Belief] = (),
) -> Evaluation:
    """Score the models on the same rows; the least pinball loss against naive, all horizons alike, serves.

    The rows begin where the last of the models stopped learning, and end with `training_set`, which may be newer than
    the set that they were trained on. Each forecast reads what was believed on its day; it is judged on what is believed
    now, as a walk-forward is (ADR 0345).

    Args:
        training_set: closes to score on.
        trained: the models, naive among them; their files are those that were registered.
        evaluated_at: recorded with the scores.
        beliefs: what was believed of the token's days and is no more; none by default.

    Raises:
        NoChampion: there is no model, or none to measure the others against.
        TooLittleHistory: too few forecasts can be checked on days that all of them have not seen.
    """
    opened = {model.algorithm: (model, _open(model)) for model in trained}
    if catalog.NAIVE not in opened:
        raise NoChampion(f"{training_set.token.symbol} has no trained models to compare")
    series = _held_out(training_set, beliefs, [loaded for _, loaded in opened.values()])
    first_day = training_set.first_day
    reference = _losses(opened[catalog.NAIVE][1], series)
    scores = {
        algorithm: _scores(model, loaded, series, reference, start_of_day(first_day))
        for algorithm, (model, loaded) in opened.items()
    }
    best = choose(scores)
    return Evaluation(
        token=training_set.token,
        model_name=opened[best][0].name,
        data_digest=training_set.digest,
        champion=opened[best][0],
        scores=tuple(score for of_one in scores.values() for score in of_one),
        evaluated_at=evaluated_at,
        origins=tuple(_origins(training_set, opened[best][1], series)),
        facts={algorithm: loaded.facts for algorithm, (_, loaded) in opened.items()},
        plots=_plots(training_set, scores, best),
    )


def choose(scores: Mapping[str, Sequence[Score]]) -> str:
    """The algorithm of the greatest mean skill over the horizons; of equals the simpler one.

    Losses grow with the horizon, so each is taken relative to naive's: otherwise 30 days alone would decide.
    """
    by_simplicity = [algorithm for algorithm in catalog.ALGORITHMS if algorithm in scores]
    return max(
        by_simplicity,
        key=lambda algorithm: float(np.mean([score.skill_vs_naive for score in scores[algorithm]])),
    )


def pinball(quantiles: Floats, outcomes: Floats) -> Floats:
    """Pinball loss of each forecast, the mean over LEVELS, shape [forecasts].

    Args:
        quantiles: shape [forecasts, LEVELS].
        outcomes: shape [forecasts].
    """
    losses: Floats = pinball_loss(quantiles, outcomes[:, None], np.array(LEVELS)).mean(axis=1)
    return losses


def coverage(quantiles: Floats, outcomes: Floats, low: float, high: float) -> float:
    """Share of outcomes within the quantiles at two levels, ends included."""
    lower, upper = quantiles[:, LEVELS.index(low)], quantiles[:, LEVELS.index(high)]
    return float(((outcomes >= lower) & (outcomes <= upper)).mean())


def _open(model: TrainedModel) -> Artifact:
    # Whoever made or fetched the record verified the manifest; its files are compared with it again.
    return artifact.unpack(model.files, manifest.digest(model.files[MANIFEST]))


def _held_out(
    training_set: TrainingSet, beliefs: Sequence[Belief], opened: Sequence[Artifact]
) -> Series:
    unseen = max(each.facts.held_out_from for each in opened)
    first = max((unseen - training_set.first_day).days, 0)
    series = windows.held_out(*training_set.calendar(), first)
    return replace(series, vintages=vintages.of_closes(training_set, beliefs))


def _losses(model: Artifact, series: Series) -> dict[int, float]:
    quantiles, candidates = _quantiles(model, series)
    return {
        horizon: float(pinball(*_rows(quantiles, candidates, series, index)).mean())
        for index, horizon in enumerate(HORIZONS)
    }


def _quantiles(model: Artifact, series: Series) -> tuple[Floats, Indices]:
    candidates = series.candidates("test")
    return model.forecaster.quantiles(series.windows(candidates)), candidates


def _origins(training_set: TrainingSet, model: Artifact, series: Series) -> Iterator[Origin]:
    quantiles, candidates = _quantiles(model, series)
    for index, horizon in enumerate(HORIZONS):
        forecast, _ = _rows(quantiles, candidates, series, index)
        for day, levels in zip(series.origins("test", horizon), forecast.tolist(), strict=True):
            # The close of a day is the next midnight.
            closed_at = start_of_day(training_set.first_day) + timedelta(days=int(day) + 1)
            yield Origin(training_set.token.id, horizon, closed_at, tuple(levels))


def _rows(
    quantiles: Floats, candidates: Indices, series: Series, index: int
) -> tuple[Floats, Floats]:
    """Quantiles and outcomes of one horizon."""
    origins = series.origins("test", HORIZONS[index])
    at = np.searchsorted(candidates, origins)
    return quantiles[at, index], series.returns(origins, HORIZONS[index])


def _scores(
    model: TrainedModel,
    loaded: Artifact,
    series: Series,
    reference: Mapping[int, float],
    opened_at: datetime,
) -> tuple[Score, ...]:
    quantiles, candidates = _quantiles(loaded, series)
    scores = []
    for index, horizon in enumerate(HORIZONS):
        forecast, outcomes = _rows(quantiles, candidates, series, index)
        origins = series.origins("test", horizon)
        loss = float(pinball(forecast, outcomes).mean())
        median = forecast[:, LEVELS.index(0.5)]
        scores.append(
            Score(
                algorithm=model.algorithm,
                model_version=model.version,
                run_id=model.run_id,
                horizon_days=horizon,
                first_origin=(opened_at + timedelta(days=int(origins[0]))).date(),
                last_origin=(opened_at + timedelta(days=int(origins[-1]))).date(),
                forecasts=len(origins),
                pinball_loss=loss,
                mean_absolute_error=float(np.abs(outcomes - median).mean()),
                skill_vs_naive=skill(loss, reference[horizon]),
                coverage80=coverage(forecast, outcomes, 0.1, 0.9),
                coverage95=coverage(forecast, outcomes, 0.025, 0.975),
            )
        )
    return tuple(scores)


def skill(loss: float, reference: float) -> float:
    """1 - loss / reference; where the reference is perfect nothing beats it, and equals are equal."""
    if reference > 0:
        return 1 - loss / reference
    return 0.0 if loss <= 0 else -1.0


def _plots(
    training_set: TrainingSet, scores: Mapping[str, Sequence[Score]], best: str
) -> dict[str, bytes]:
    named = {name: f"{name} (champion)" if name == best else name for name in scores}
    skills = [
        Skills(
            named[name],
            {score.horizon_days: score.skill_vs_naive for score in of_horizons},
        )
        for name, of_horizons in scores.items()
        if name != catalog.NAIVE
    ]
    subject = plots.subject(training_set.token.symbol, training_set.price_source)
    covered = {
        named[name]: [(score.coverage80, score.coverage95) for score in of_horizons]
        for name, of_horizons in scores.items()
    }
    return {
        "skill.png": plots.skill(skills, catalog.NAIVE, f"{subject}: held-out pinball loss"),
        "coverage.png": plots.coverage(covered, subject),
    }
