"""One training of the global model: its fits and their walk-forward, and the versions and runs it leaves in MLflow."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta

import numpy as np
import pandas as pd

from coinsphere.clock import Clock
from coinsphere.settings import Settings
from ml.data import features
from ml.data.panel import COLUMNS, Panel, as_date
from ml.errors import TooLittleHistory
from ml.evaluation import backtest, gates, walk_forward
from ml.evaluation.backtest import Backtest
from ml.evaluation.gate_report import GateReport
from ml.evaluation.gates import Limits
from ml.evaluation.losses import Losses
from ml.models import catalog, novelty
from ml.models.interface import GlobalModel
from ml.registry import (
    code_version,
    global_card,
    global_registry,
    global_version,
    model_card,
    tracking,
)
from ml.registry.global_registry import Loaded
from ml.registry.global_version import GlobalFacts, GlobalVersion
from ml.registry.mlflow_client import answers, client
from ml.registry.tracking import Subject
from ml.registry.versions import Version
from ml.training import fitting
from ml.training.fitting import Recipe

_LONGEST_TEST = 1461
_LOGGED_FIGURES = ("crps", "skill", "dm_t", "log_gain", "coverage80", "coverage95")
_EXAMPLE_DAYS = 90
_EXAMPLE_TOKENS = 2


@dataclass(frozen=True, slots=True)
class Judged:
    """A registered version, how it was judged, and its card by file name."""

    version: int
    facts: GlobalFacts
    report: GateReport
    card: Mapping[str, bytes] = field(repr=False)
    page: str
    """The address of its run in MLflow."""


class GlobalTraining:
    """What the steps of one training share."""

    def __init__(
        self,
        settings: Settings,
        candles: Panel,
        recipe: Recipe,
        clock: Clock,
        dagster_run_id: str,
    ) -> None:
        self._settings, self._panel, self._recipe, self._clock = settings, candles, recipe, clock
        self._dagster_run_id = dagster_run_id
        self._features = features.build(candles)
        with answers(settings.tracking_url):
            self._client = client(settings)

    def walk_forward(self, names: Sequence[str]) -> Backtest:
        """Walk the models of these names forward over the last four years.

        Raises:
            TooLittleHistory: there are too few days; the baseline is registered all the same.
        """
        try:
            return backtest.run(
                self._features,
                self._start(),
                self._panel.last_day + timedelta(days=1),
                names=names,
                recipe=self._recipe,
                processes=self._settings.ml_processes,
            )
        except TooLittleHistory:
            self.register_baseline(None)
            raise

    def judge(
        self, name: str, walked: Backtest, champions: Mapping[int, Loaded], limits: Limits
    ) -> Judged:
        """Fit and register a version, and judge it beside the champions by horizon."""
        from ml.evaluation import probes  # noqa: PLC0415 - torch takes seconds to import

        with self._run(name) as run_id:
            fitted = self._fit(name)
            report = gates.judge(
                walked,
                name,
                probes.probe(self._features, fitted, walked, self._recipe),
                {at: Losses.from_npz(each.version.losses) for at, each in champions.items()},
                limits,
            )
            facts, version = self._register(name, fitted, walked, run_id)
            self._log_judgement(facts, walked, report)
            card = self._log(facts, version, walked, report)
        return Judged(version.number, facts, report, card, self._page(run_id))

    def register_baseline(self, walked: Backtest | None) -> tuple[int, GlobalFacts]:
        """Fit the simplest model and let it serve where no champion does; without a walk-forward it has no figures."""
        name = gates.simplest(walked)
        with self._run(name) as run_id:
            facts, version = self._register(name, self._fit(name), walked, run_id)
            self._log(facts, version, walked, None)
        global_registry.set_alias(self._settings, global_registry.BASELINE, version.number)
        return version.number, facts

    def _page(self, run_id: str) -> str:
        with answers(self._settings.tracking_url):
            return tracking.run_page(self._client, self._settings, run_id)

    def _run(self, name: str) -> tracking.Run:
        return tracking.run(self._client, self._settings, tracking.of_panel(self._panel), name)

    def _fit(self, name: str) -> GlobalModel:
        days = self._features.inputs.shape[1]
        return fitting.fit(self._features, days, [name], self._recipe)[name]

    def _register(
        self, name: str, fitted: GlobalModel, walked: Backtest | None, run_id: str
    ) -> tuple[GlobalFacts, Version]:
        """Make a version of it; without a walk-forward its intervals are the distribution's."""
        facts = GlobalFacts(
            algorithm=name,
            run_id=run_id,
            trained_at=self._clock(),
            data_cutoff=self._panel.data_cutoff,
            data_digest=self._panel.digest,
            price_source=self._panel.price_source,
            code_version=code_version.current(),
            dagster_run_id=self._dagster_run_id,
        )
        version = GlobalVersion(
            facts,
            fitted,
            novelty=novelty.fit(self._features, self._features.inputs.shape[1]),
            **(global_version.reached(walked, name) if walked else global_version.unmeasured()),
        )
        files, example = global_version.pack(version), _example(self._panel)
        with answers(self._settings.tracking_url):
            parameters = self._parameters(name)
            registered = global_registry.register(self._client, facts, files, example, parameters)
        return facts, registered

    def _parameters(self, name: str) -> dict[str, object]:
        recipe = {"seeds": self._recipe.seeds, **asdict(self._recipe.parameters)}
        return {"algorithm": name, **(recipe if catalog.has_net(name) else {})}

    def _log(
        self,
        facts: GlobalFacts,
        version: Version,
        walked: Backtest | None,
        report: GateReport | None,
    ) -> Mapping[str, bytes]:
        """Keep figures, parameters and card with the run and the version; gives the card."""
        card = global_card.write(
            facts,
            walked,
            report,
            expiry_days=self._settings.ml_expiry_days,
            baseline_days=self._settings.ml_baseline_days,
        )
        note = global_card.note(card[model_card.FILE])
        tags = {
            **facts.provenance(),
            **tracking.lineage(self._settings, facts.dagster_run_id),
        }
        of = Subject(facts.run_id, version.model_id, tracking.CANDLES, facts.data_digest)
        at_ms = int(facts.trained_at.timestamp() * 1000)
        with answers(self._settings.tracking_url):
            if walked is not None:
                tracking.log_metrics(self._client, of, _metrics(walked, facts.algorithm), at_ms)
            tracking.log_tags(self._client, facts.run_id, tags)
            tracking.log_parameters(self._client, facts.run_id, self._parameters(facts.algorithm))
            model_card.keep(self._client, version, facts.run_id, card, note)
        return card

    def _log_judgement(self, facts: GlobalFacts, walked: Backtest, report: GateReport) -> None:
        judgement = {
            "gate_report.json": json.dumps(report.to_json(), indent=1).encode(),
            "backtest.json": json.dumps(walked.to_json(), indent=1).encode(),
        }
        with answers(self._settings.tracking_url):
            tracking.log_files(self._client, facts.run_id, judgement, "gates")

    def _start(self) -> date:
        """The first origin of the walk-forward: four years back, or as far as there is enough before it."""
        learnable = self._features.known_at(self._features.inputs.shape[1])[:, :, -1].any(axis=0)
        days = [as_date(day) for day in self._panel.days[learnable]]
        if len(days) <= walk_forward.LEAST_TRAINING_DAYS:
            raise TooLittleHistory(
                f"{len(days)} days have outcomes; a walk-forward needs more than {walk_forward.LEAST_TRAINING_DAYS}"
            )
        # The purge takes the outcomes of the last horizon before each fit, so the first start must lie beyond them.
        earliest = days[walk_forward.LEAST_TRAINING_DAYS] + timedelta(days=31)
        return max(earliest, self._panel.last_day - timedelta(days=_LONGEST_TEST - 1))


def _metrics(walked: Backtest, model: str) -> dict[int, dict[str, float]]:
    """Figures by horizon in days, which is their step."""
    return {
        row.horizon: {name: float(getattr(row, name)) for name in _LOGGED_FIGURES}
        for row in walked.table()
        if row.model == model
    }


def _example(panel: Panel) -> pd.DataFrame:
    """The last candles of the first tokens: enough to be forecast from."""
    rows = [
        {"token": symbol, "date": str(day), **dict(zip(COLUMNS, map(float, candle), strict=True))}
        for symbol, candles in zip(panel.symbols, panel.candles, strict=True)
        for day, candle in list(zip(panel.days, candles, strict=True))[-_EXAMPLE_DAYS:]
        if symbol in panel.symbols[:_EXAMPLE_TOKENS] and np.isfinite(candle).all()
    ]
    return pd.DataFrame(rows, columns=["token", "date", *COLUMNS])
