"""Forecasts as they would have been made: fitted on the past, made for the days that follow, fitted again.

The training set of each fit grows (expanding walk-forward), and no outcome that the first forecast after it could not
know is among its targets (purging). What was corrected later is read as it was believed at each origin. All models are
asked for the same rows.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date

import numpy as np

from ml.data import vintages
from ml.data.features import FeatureSet
from ml.data.horizons import HORIZONS
from ml.data.panel import as_date
from ml.errors import TooLittleHistory
from ml.models import catalog
from ml.models.interface import GlobalModel
from ml.models.student import Student
from ml.training import child_processes, fitting
from ml.training.fitting import Recipe

REFIT_DAYS = 180
"""Between two fits. Fitting each month gains nothing that can be measured."""
LEAST_TRAINING_DAYS = 365
_ASSESSMENT_FITS_EVERY = 4
"""The assessment's LSTM is fitted at every fourth fit of the others: it takes a hundred times as long as all of them."""


Done = Callable[[int, int], None]
"""Hears how many of how many parts are done."""


@dataclass(frozen=True, slots=True)
class Block:
    """Days [first, end) that are forecast by models fitted on what was known when day `first` began."""

    first: int
    end: int


def blocks(features: FeatureSet, start: date, end: date) -> list[Block]:
    """The blocks of the days from `start` to the day before `end`.

    Raises:
        TooLittleHistory: there is nothing to forecast, or too little before `start` to fit anything on.
    """
    panel = features.panel
    if start >= end:
        raise TooLittleHistory(f"the first day, {start}, is not before the end, {end}")
    first, last = panel.index(start), panel.index(end)
    if first >= last:
        reach = f"{as_date(panel.days[0])} to {panel.last_day}"
        raise TooLittleHistory(
            f"no day from {start} to {end} has a candle; they reach from {reach}"
        )
    learnable = int(features.known_at(first)[:, :, -1].any(axis=0).sum())
    if learnable < LEAST_TRAINING_DAYS:
        raise TooLittleHistory(
            f"only {learnable} days before {start} have outcomes to learn from; "
            f"{LEAST_TRAINING_DAYS} are needed{_hint(features)}"
        )
    return [Block(at, min(at + REFIT_DAYS, last)) for at in range(first, last, REFIT_DAYS)]


def _hint(features: FeatureSet) -> str:
    """From when on there would be enough to learn from, or why there never is."""
    panel, longest = features.panel, HORIZONS[-1]
    learnable = features.known_at(len(panel.days))[:, :, -1].any(axis=0)
    if not learnable.any():
        return "; every token is pegged or has too few days"
    enough = np.flatnonzero(np.cumsum(learnable) == LEAST_TRAINING_DAYS)
    if not len(enough) or enough[0] + longest + 1 >= len(panel.days):
        return f", and all of the candles hold {learnable.sum()}"
    return f", which there are from {as_date(panel.days[enough[0] + longest + 1])} on"


def ignore_progress(_: int, __: int) -> None:
    """Tell nobody."""


def run(
    features: FeatureSet,
    days: Sequence[Block],
    names: Sequence[str],
    recipe: Recipe,
    *,
    processes: int = 1,
    done: Done = ignore_progress,
) -> dict[str, Student]:
    """Each model's distributions for all days of the blocks, shape [tokens, days, HORIZONS].

    Their scale is NaN where the day's own closes allow no forecast, or the token was pegged.

    Args:
        features: inputs and outcomes.
        days: the blocks, one after the other.
        names: the models.
        recipe: how those with a random start are fitted.
        processes: how many fit blocks side by side; the result is the same to the last bit.
        done: hears how many of how many blocks are forecast.
    """
    made: dict[str, list[Student]] = {name: [] for name in names}
    for number, forecast in enumerate(_forecasts(features, days, names, recipe, processes), 1):
        done(number, len(days))
        for name, student in forecast.items():
            made[name].append(student)
    return {name: _joined(parts) for name, parts in made.items()}


def _forecasts(
    features: FeatureSet,
    days: Sequence[Block],
    names: Sequence[str],
    recipe: Recipe,
    processes: int,
) -> Iterator[dict[str, Student]]:
    numbered = list(enumerate(days))
    if processes == 1:
        worker = _Worker(features, names, recipe, days)
        yield from map(worker.forecast, numbered)
        return
    # Spawned, not forked: torch's and ONNX Runtime's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        processes, context, initializer=_initialise, initargs=(features, names, recipe, days)
    ) as pool:
        yield from pool.map(_forecast, numbered)


class _Worker:
    def __init__(
        self, features: FeatureSet, names: Sequence[str], recipe: Recipe, days: Sequence[Block]
    ) -> None:
        self._features, self._names, self._recipe, self._days = features, names, recipe, days
        self._assessments: dict[int, dict[str, GlobalModel]] = {}

    def forecast(self, numbered: tuple[int, Block]) -> dict[str, Student]:
        """Fit, and forecast the days of the block."""
        number, block = numbered
        names = [name for name in self._names if name != catalog.ASSESSMENT]
        models = self._fit(block.first, names)
        if catalog.ASSESSMENT in self._names:
            models |= self._assessment(self._days[number - number % _ASSESSMENT_FITS_EVERY].first)
        spans = vintages.spans(self._features.panel, block.first, block.end)
        parts = [self._predict(models, *span) for span in spans]
        return {name: _joined([part[name] for part in parts]) for name in self._names}

    def _fit(self, end: int, names: Sequence[str]) -> dict[str, GlobalModel]:
        """The models fitted on what was known when day `end` began."""
        return fitting.fit(vintages.known_on(self._features, end - 1), end, names, self._recipe)

    def _predict(
        self, models: Mapping[str, GlobalModel], first: int, end: int
    ) -> dict[str, Student]:
        """Forecasts of days that saw the same candles."""
        known = _until(vintages.known_on(self._features, end - 1), end)
        answers = (known.usable & ~known.pegged)[:, first:]
        return {
            name: models[name].predict(known, first).at(np.s_[:, : end - first]).only(answers)
            for name in self._names
        }

    def _assessment(self, end: int) -> dict[str, GlobalModel]:
        if end not in self._assessments:
            self._assessments[end] = self._fit(end, [catalog.ASSESSMENT])
        return self._assessments[end]


_worker: list[_Worker] = []


def _initialise(
    features: FeatureSet, names: Sequence[str], recipe: Recipe, days: Sequence[Block]
) -> None:
    child_processes.end_with_parent()
    _worker.append(_Worker(features, names, recipe, days))


def _forecast(numbered: tuple[int, Block]) -> dict[str, Student]:
    return _worker[0].forecast(numbered)


def _until(held: FeatureSet, end: int) -> FeatureSet:
    """The features of the days before `end`: nothing later is even shown."""
    return FeatureSet(
        held.panel,
        held.inputs[:, :end],
        held.volatility[:, :end],
        held.log_closes[:, :end],
        held.usable[:, :end],
        held.pegged[:, :end],
    )


def _joined(parts: Sequence[Student]) -> Student:
    return Student(
        np.concatenate([part.location for part in parts], axis=1),
        np.concatenate([part.scale for part in parts], axis=1),
        np.concatenate([part.degrees for part in parts], axis=1),
    )


def shape(features: FeatureSet, days: Sequence[Block]) -> tuple[int, int, int]:
    """Tokens, days and horizons of what `run` gives."""
    return len(features.panel.symbols), days[-1].end - days[0].first, len(HORIZONS)
