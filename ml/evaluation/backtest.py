"""All models and baselines on the same rows of a walk-forward: what `coinsphere ml backtest` and the gates look at."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import numpy as np

from ml.data import vintages
from ml.data.features import FeatureSet, Floats, Mask
from ml.data.horizons import HORIZONS
from ml.data.panel import as_date
from ml.errors import TooLittleHistory
from ml.evaluation import (
    comparison,
    conformal,
    directional_tilt,
    holdout_calendar,
    scoring,
    walk_forward,
)
from ml.evaluation.comparison import Difference
from ml.evaluation.conformal import Conformal
from ml.evaluation.directional_tilt import Tilt
from ml.evaluation.figures import Figures, Slice, plain
from ml.evaluation.held_out_origins import Published
from ml.evaluation.scoring import NOMINAL, Scores
from ml.models import catalog
from ml.models.catalog import REFERENCE
from ml.models.gk_har_t import GkHarT
from ml.models.student import Student
from ml.training.fitting import Recipe

LEAD_BLOCKS = 2
"""Blocks before the first scored day: what the conformal intervals learn from."""
_LEAST_OF_TOKEN = 100
"""Forecasts below which a token's coverage says nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Backtest:
    """All scores of a walk-forward, shape [tokens, days, HORIZONS]; NaN where a row is not scored.

    `calibrations` are the conformal states after the last day, `published` what was forecast on each, by model.
    """

    features: FeatureSet = field(repr=False)
    first: int
    end: int
    scores: Mapping[str, Scores] = field(repr=False)
    scored: Mask = field(repr=False)
    calibrations: Mapping[str, Conformal] = field(repr=False)
    published: Mapping[str, Published] = field(repr=False)

    @property
    def start(self) -> date:
        """The first scored day."""
        return as_date(self.features.panel.days[self.first])

    @property
    def last(self) -> date:
        """The last scored day."""
        return as_date(self.features.panel.days[self.end - 1])

    def figures(self, model: str, horizon: int) -> Figures:
        """The model's figures at a horizon."""
        place = HORIZONS.index(horizon)
        mask, ours = self.scored[:, :, place], self.scores[model]
        reference = self.scores[REFERENCE]
        crps, crps_reference = ours.crps[:, :, place], reference.crps[:, :, place]
        mean = float(crps_reference[mask].mean())
        compared = comparison.compare(crps, crps_reference, horizon)
        within, pit = ours.within[:, :, place], ours.pit[:, :, place]
        raw = conformal.conformity(pit)
        interval80, interval95 = map(float, ours.interval[:, :, place][mask].mean(axis=0))
        coverage80, coverage95 = map(float, within[mask].mean(axis=0))
        raw80, raw95 = (float((raw[mask] <= nominal).mean()) for nominal in NOMINAL)
        error80, error95 = self._token_errors(within, mask)
        log_score = float(ours.log_score[:, :, place][mask].mean())
        return Figures(
            model=model,
            horizon=horizon,
            forecasts=int(mask.sum()),
            crps=float(crps[mask].mean()),
            skill=1 - float(crps[mask].mean()) / mean,
            skill_error=compared.error / mean,
            dm_t=compared.t,
            log_score=log_score,
            log_gain=float(reference.log_score[:, :, place][mask].mean()) - log_score,
            pinball=float(ours.pinball[:, :, place][mask].mean()),
            interval80=interval80,
            interval95=interval95,
            coverage80=coverage80,
            coverage95=coverage95,
            raw_coverage80=raw80,
            raw_coverage95=raw95,
            token_error80=error80,
            token_error95=error95,
            pit_distance=scoring.pit_distance(pit[mask]),
            pit_histogram=tuple(scoring.pit_histogram(pit[mask])),
        )

    def table(self) -> list[Figures]:
        """All models at all horizons that have outcomes."""
        return [
            self.figures(model, horizon)
            for place, horizon in enumerate(HORIZONS)
            if self.scored[:, :, place].any()
            for model in self.scores
        ]

    def by_token(self, model: str) -> list[Slice]:
        """The model's figures for each token."""
        rows = [
            (symbol, np.arange(len(self.features.panel.symbols)) == at)
            for at, symbol in enumerate(self.features.panel.symbols)
        ]
        return self._slices(model, [(name, mask[:, None]) for name, mask in rows])

    def by_year(self, model: str) -> list[Slice]:
        """The model's figures for each calendar year of origins."""
        years = self.features.panel.days[self.first : self.end].astype("datetime64[Y]")
        return self._slices(
            model, [(str(year), (years == year)[None]) for year in np.unique(years)]
        )

    def difference(self, model: str, other: str, horizon: int) -> Difference:
        """By how much the model's CRPS is less than the other's, in units of the reference's mean CRPS."""
        place = HORIZONS.index(horizon)
        compared = comparison.compare(
            self.scores[model].crps[:, :, place], self.scores[other].crps[:, :, place], horizon
        )
        unit = float(self.scores[REFERENCE].crps[:, :, place][self.scored[:, :, place]].mean())
        return Difference(compared.mean / unit, compared.error / unit, compared.days)

    def lean(self, model: str) -> Sequence[Tilt]:
        """What remains by year of the lean of a model's centre against the market's last move."""
        return directional_tilt.by_year(
            self.features,
            self.first,
            self.published[model].student,
            self.scores[REFERENCE].crps,
            self.scored,
        )

    def beyond(self, model: str) -> dict[int, float]:
        """Diebold and Mariano's t, by horizon, of what a model adds beyond the regression of five numbers."""
        if GkHarT.name not in self.scores:
            return {}
        return {
            horizon: self.difference(model, GkHarT.name, horizon).t
            for place, horizon in enumerate(HORIZONS)
            if self.scored[:, :, place].any()
        }

    def _slices(self, model: str, of: Sequence[tuple[str, Mask]]) -> list[Slice]:
        ours, reference = self.scores[model], self.scores[REFERENCE]
        made = []
        for place, horizon in enumerate(HORIZONS):
            for name, chosen in of:
                mask = self.scored[:, :, place] & chosen
                if not mask.any():
                    continue
                within = ours.within[:, :, place][mask].mean(axis=0)
                ratio = (
                    ours.crps[:, :, place][mask].mean() / reference.crps[:, :, place][mask].mean()
                )
                made.append(
                    Slice(
                        model,
                        horizon,
                        name,
                        int(mask.sum()),
                        1 - float(ratio),
                        float(within[0]),
                        float(within[1]),
                    )
                )
        return made

    def _token_errors(self, within: Mask, mask: Mask) -> tuple[float, float]:
        counts = mask.sum(axis=1)
        tokens = np.flatnonzero(counts >= _LEAST_OF_TOKEN)
        if not len(tokens):
            return float("nan"), float("nan")
        covered = np.array([within[at][mask[at]].mean(axis=0) for at in tokens])
        errors = np.abs(covered - np.array(NOMINAL)).mean(axis=0)
        return float(errors[0]), float(errors[1])

    def to_json(self) -> dict[str, Any]:
        """Everything that is shown."""
        panel = self.features.panel
        return {
            "dataDigest": panel.digest,
            "priceSource": panel.price_source,
            "tokens": list(panel.symbols),
            "pegged": self.pegged(),
            "notScored": self.not_scored(),
            "leftOut": list(panel.notes),
            "correctedDays": panel.corrected,
            "start": str(self.start),
            "lastOrigin": str(self.last),
            "refitDays": walk_forward.REFIT_DAYS,
            "reference": REFERENCE,
            "calendar": holdout_calendar.load().describe(),
            "table": [plain(row) for row in self.table()],
            "byToken": [plain(row) for model in self.scores for row in self.by_token(model)],
            "beyondGkHarT": {
                model: {str(horizon): t for horizon, t in self.beyond(model).items()}
                for model in self.scores
            },
            "lean": [asdict(row) for model in self.scores for row in self.lean(model)],
            "byYear": [plain(row) for model in self.scores for row in self.by_year(model)],
        }

    def pegged(self) -> list[str]:
        """Tokens that are not scored, as they were pegged on all days."""
        symbols = self.features.panel.symbols
        held = slice(self.first, self.end)
        out = self.features.pegged[:, held].all(axis=1) & self.features.usable[:, held].any(axis=1)
        return [symbols[place] for place in np.flatnonzero(out)]

    def not_scored(self) -> list[str]:
        """Other tokens without a forecast that could be checked: too few days before or in the span."""
        none = ~self.scored.any(axis=(1, 2))
        symbols = [self.features.panel.symbols[place] for place in np.flatnonzero(none)]
        return [symbol for symbol in symbols if symbol not in self.pegged()]


def run(
    features: FeatureSet,
    start: date,
    end: date,
    *,
    names: Sequence[str] = catalog.GLOBAL_DEFAULT,
    recipe: Recipe = Recipe(),  # noqa: B008 - frozen
    processes: int = 1,
    done: walk_forward.Done = walk_forward.ignore_progress,
) -> Backtest:
    """Walk forward over the origins from `start` to the day before `end`.

    A row is scored if every model of the comparison answers for it and its outcome is known. Forecasts and the widths of
    their intervals rest on what was believed at each origin; they are judged on what is believed now.

    Raises:
        TooLittleHistory: there is too little before `start` to fit anything on, or nothing to score.
        ValueError: a model is unknown.
    """
    models = list(dict.fromkeys((REFERENCE, *names)))
    days = _with_lead(features, start, end)
    students = walk_forward.run(features, days, models, recipe, processes=processes, done=done)
    first, last = days[0].first, days[-1].end
    scored_from = features.panel.index(start) - first
    due = vintages.outcomes_when_due(features)[:, first:last]
    outcomes = features.outcomes()[:, first + scored_from : last]
    scores, calibrations, published = {}, {}, {}
    for name, student in students.items():
        said, calibrations[name] = _publish(features, student, due, scored_from)
        scores[name] = scoring.score(said.student, outcomes, said.widths)
        published[name] = said
    scored = np.isfinite(outcomes) & np.isfinite(published[REFERENCE].student.scale)
    if not scored.any():
        raise TooLittleHistory(f"no forecast from {start} to {end} can be checked")
    return Backtest(features, first + scored_from, last, scores, scored, calibrations, published)


def _with_lead(features: FeatureSet, start: date, end: date) -> list[walk_forward.Block]:
    days = walk_forward.blocks(features, start, end)
    first = days[0].first
    for _ in range(LEAD_BLOCKS):
        earlier = days[0].first - walk_forward.REFIT_DAYS
        try:
            lead = walk_forward.blocks(
                features, as_date(features.panel.days[max(earlier, 0)]), start
            )
        except TooLittleHistory:
            break
        days = [*lead, *[block for block in days if block.first >= first]]
    return days


def _publish(
    features: FeatureSet, student: Student, outcomes: Floats, scored_from: int
) -> tuple[Published, Conformal]:
    widths, state = conformal.run(
        features.panel.symbols, conformal.conformity(student.cdf(outcomes))
    )
    keep = np.s_[:, scored_from:]
    return Published(student.at(keep), widths[keep]), state
