"""The global model from panel to forecasts: the steps that the orchestration and the command call.

Importing this module is cheap: torch and MLflow are imported by the steps that need them.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg import Connection

from coinsphere.clock import Clock, utc_now
from coinsphere.settings import Settings
from ml import panel
from ml.errors import NoChampion, TooLittleHistory
from ml.panel import Panel

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from ml.backtest import Backtest
    from ml.gates import GateReport
    from ml.models.scale_catalog import Recipe
    from ml.scale_registry import Loaded
    from ml.scale_version import ScaleFacts
    from ml.succession import Watched

SERVING_DAYS = 1095
"""Days that a forecast is computed from: of anything older, less than a fiftieth of a thousandth is left in an input."""
_LONGEST_TEST = 1461


@dataclass(frozen=True, slots=True)
class Trained:
    """A registered version, how it was judged, and its card."""

    version: int
    model: str
    run_id: str
    data_digest: str
    report: "GateReport"
    report_id: UUID
    serves: bool
    """From now on; a version that passed beside a champion waits in its shadow first."""
    backtest: "Backtest" = field(repr=False)
    card: Mapping[str, bytes] = field(repr=False, default_factory=dict)


@dataclass(frozen=True, slots=True)
class Issued:
    """How many forecasts were issued by which version, and of how many tokens."""

    version: int
    model: str
    is_shadow: bool
    tokens: int
    forecasts: int


def build_panel(conn: Connection) -> Panel:
    """The panel of all tokens, recorded in `model.training_sets`.

    Raises:
        TooLittleHistory: the mart has no final day.
        BadHistory: simulated candles lie among real ones.
    """
    from ml import scale_log  # noqa: PLC0415 - slow to import

    made = panel.from_mart(conn)
    scale_log.record_panel(conn, made)
    return made


def train(
    conn: Connection,
    settings: Settings,
    held: Panel,
    *,
    clock: Clock = utc_now,
    recipe: "Recipe | None" = None,
    least_days: int | None = None,
    model: str | None = None,
    dagster_run_id: str = "",
) -> Trained:
    """Fit a challenger and the baseline, walk both forward, and judge the challenger.

    Where it passes it serves if nothing does, or if what serves is stale; else it waits in the shadow, and
    `succession.watch` lets it serve. The report is kept whether it passes or not; the baseline's alias moves with each
    training.

    Args:
        conn: where the report is kept; the caller owns the transaction.
        settings: of the tracking server.
        held: the panel, already recorded.
        clock: tells when the version was trained.
        recipe: how nets are fitted; the usual one by default.
        least_days: of the walk-forward; those of the gates by default.
        model: the challenger; the combination by default.
        dagster_run_id: for the lineage.

    Raises:
        TooLittleHistory: too few days to walk anything forward on.
        RegistryUnavailable: MLflow does not answer.
    """
    from ml import gates, model_card, scale_log, scale_registry, succession  # noqa: PLC0415 - slow to import
    from ml.models.scale_catalog import BASELINE, CHAMPION, Recipe  # noqa: PLC0415
    from ml.scale_version import Losses  # noqa: PLC0415

    made = _Training(settings, held, recipe or Recipe(), clock, dagster_run_id)
    challenger = model or CHAMPION
    walked = made.walk_forward([*gates.BASELINES_OF_GATE, challenger])
    serving = scale_registry.load_alias(settings, scale_registry.CHAMPION)
    losses = None if serving is None else Losses.from_npz(serving.version.losses)
    with made.run(challenger) as run_id:
        fitted = made.fit(challenger)
        report = gates.judge(
            walked,
            challenger,
            made.probe(fitted, walked),
            losses,
            least_days=gates.LEAST_DAYS if least_days is None else least_days,
        )
        facts, number = made.register(challenger, fitted, walked, run_id)
        card = made.log(facts, walked, report, run_id)
    with made.run(BASELINE) as run_id:
        _, baseline = made.register(BASELINE, made.fit(BASELINE), walked, run_id)
    report_id = scale_log.record_report(conn, number, facts, report, clock())
    scale_registry.set_alias(settings, scale_registry.BASELINE, baseline)
    scale_registry.describe(settings, number, model_card.note(card["model_card.md"]))
    status = scale_registry.PASSED if report.passed else scale_registry.REFUSED
    scale_registry.record_verdict(settings, number, status, str(report_id))
    serves = report.passed and not succession.must_wait(settings, serving, clock())
    if serves:
        scale_registry.set_alias(settings, scale_registry.CHALLENGER, number)
        scale_registry.set_alias(settings, scale_registry.CHAMPION, number)
    else:
        succession.challenge(settings, number, serving)
    return Trained(
        number, challenger, facts.run_id, held.digest, report, report_id, serves, walked, card
    )


def issue(
    conn: Connection, settings: Settings, now: datetime, *, dagster_run_id: str = ""
) -> list[Issued]:
    """Forecast all tokens from the last final close: the champion's count, the challenger's are its shadow.

    Raises:
        NoChampion: no version has passed its gates.
        RegistryUnavailable: MLflow does not answer.
    """
    from ml import scale_forecasting, scale_log, scale_registry  # noqa: PLC0415 - slow to import

    serving = who_serves(settings, now)
    if serving is None:
        raise NoChampion("no version of the global model has passed its gates")
    held = serving_panel(conn, now)
    scale_log.record_snapshot(conn, held)
    challenger = scale_registry.by_alias(settings, scale_registry.CHALLENGER)
    versions = [(serving, False)]
    if challenger is not None and challenger.version != serving.number:
        versions.append((scale_registry.load(settings, challenger.version), True))
    issued = []
    for loaded, is_shadow in versions:
        made = scale_forecasting.outlooks(loaded.version, held)
        count = scale_log.record(
            conn, loaded, held, made, now, is_shadow=is_shadow, dagster_run_id=dagster_run_id
        )
        tokens = len({outlook.symbol for outlook in made})
        issued.append(Issued(loaded.number, loaded.version.facts.model, is_shadow, tokens, count))
    return issued


def who_serves(settings: Settings, now: datetime) -> "Loaded | None":
    """The champion, or the baseline where the champion's data is too old; None where none has passed its gates.

    Raises:
        RegistryUnavailable: MLflow does not answer.
        ArtifactRefused: the files are not what was registered.
    """
    from ml import scale_registry  # noqa: PLC0415 - slow to import

    champion = scale_registry.load_alias(settings, scale_registry.CHAMPION)
    if champion is None:
        return None
    age = now - champion.version.facts.data_cutoff
    if age < timedelta(days=settings.ml_baseline_days):
        return champion
    return scale_registry.load_alias(settings, scale_registry.BASELINE) or champion


def serving_panel(conn: Connection, now: datetime) -> Panel:
    """The panel that forecasts are computed from: the last `SERVING_DAYS` days.

    Raises:
        TooLittleHistory: the mart has no final day among them.
    """
    return panel.from_mart(conn, first=(now - timedelta(days=SERVING_DAYS)).date())


def watch(conn: Connection, settings: Settings, now: datetime) -> "Watched":
    """Look how issued forecasts fared, act on it, and keep the pictures; see `ml.succession.watch`.

    Raises:
        NoChampion: none serves.
        RegistryUnavailable: MLflow does not answer.
    """
    from ml import mlflow_client, monitoring, scale_registry, succession, tracking  # noqa: PLC0415 - slow to import

    found = succession.watch(conn, settings, now)
    pictures = monitoring.pictures(found.served)
    with mlflow_client.answers(settings.tracking_url):
        run_id = scale_registry.run_of(settings, found.drift.version)
        tracking.log_files(mlflow_client.client(settings), run_id, pictures, "monitoring")
    return replace(found, pictures=pictures)


class _Training:
    """What the steps of one training share."""

    def __init__(
        self,
        settings: Settings,
        held: Panel,
        recipe: "Recipe",
        clock: Clock,
        dagster_run_id: str,
    ) -> None:
        from ml import features, mlflow_client  # noqa: PLC0415 - slow to import

        self._settings, self._held, self._recipe, self._clock = settings, held, recipe, clock
        self._dagster_run_id = dagster_run_id
        self._features = features.build(held)
        with mlflow_client.answers(settings.tracking_url):
            self._client: MlflowClient = mlflow_client.client(settings)

    def walk_forward(self, names: list[str]) -> "Backtest":
        from ml import backtest  # noqa: PLC0415 - slow to import

        return backtest.run(
            self._features,
            self._start(),
            self._held.last_day + timedelta(days=1),
            names=names,
            recipe=self._recipe,
            processes=self._settings.ml_processes,
        )

    def fit(self, name: str) -> Any:
        from ml.models import scale_catalog  # noqa: PLC0415 - slow to import

        days = self._features.inputs.shape[1]
        return scale_catalog.fit(self._features, days, [name], self._recipe)[name]

    def probe(self, fitted: Any, walked: "Backtest") -> Any:
        from ml import probes  # noqa: PLC0415 - torch takes seconds to import

        return probes.probe(self._features, fitted, walked, self._recipe)

    def run(self, name: str) -> Any:
        from ml import tracking  # noqa: PLC0415 - slow to import

        return tracking.panel_run(self._client, self._settings, self._held, name)

    def register(
        self, name: str, fitted: Any, walked: "Backtest", run_id: str
    ) -> tuple["ScaleFacts", int]:
        from ml import code_version, mlflow_client, novelty, scale_registry  # noqa: PLC0415 - slow to import
        from ml import scale_version as versions  # noqa: PLC0415

        facts = versions.ScaleFacts(
            model=name,
            run_id=run_id,
            trained_at=self._clock(),
            data_cutoff=self._held.data_cutoff,
            data_digest=self._held.digest,
            price_source=self._held.price_source,
            code_version=code_version.current(),
            dagster_run_id=self._dagster_run_id,
        )
        version = versions.ScaleVersion(
            facts,
            fitted,
            walked.calibrations[name],
            novelty.fit(self._features, self._features.inputs.shape[1]),
            versions.figures_of(walked, name),
            versions.Losses.of(walked, name).npz(),
        )
        with mlflow_client.answers(self._settings.tracking_url):
            return facts, scale_registry.register(self._client, facts, versions.pack(version))

    def log(
        self, facts: "ScaleFacts", walked: "Backtest", report: "GateReport", run_id: str
    ) -> dict[str, bytes]:
        from ml import mlflow_client, model_card, tracking  # noqa: PLC0415 - slow to import

        card = model_card.write(
            facts,
            walked,
            report,
            expiry_days=self._settings.ml_expiry_days,
            baseline_days=self._settings.ml_baseline_days,
        )
        at_ms = int(facts.trained_at.timestamp() * 1000)
        metrics = {
            f"{name}_{row.horizon}d": float(getattr(row, name))
            for row in walked.table()
            if row.model == facts.model
            for name in ("crps", "skill", "dm_t", "log_gain", "coverage80", "coverage95")
        }
        with mlflow_client.answers(self._settings.tracking_url):
            tracking.log_metrics(self._client, run_id, [metrics], at_ms)
            tracking.log_tags(
                self._client,
                run_id,
                {
                    "code_version": facts.code_version,
                    "data_digest": facts.data_digest,
                    **tracking.lineage(self._settings, facts.dagster_run_id),
                    "mlflow.note.content": model_card.note(card["model_card.md"]),
                },
            )
            recipe = {"seeds": self._recipe.seeds, **asdict(self._recipe.shape)}
            tracking.log_parameters(self._client, run_id, recipe)
            tracking.log_files(self._client, run_id, card, "model_card")
            tracking.log_files(
                self._client,
                run_id,
                {
                    "gate_report.json": json.dumps(report.to_json(), indent=1).encode(),
                    "backtest.json": json.dumps(walked.to_json(), indent=1).encode(),
                },
                "gates",
            )
        return card

    def _start(self) -> date:
        """The first origin of the walk-forward: four years back, or as far as there is enough before it."""
        from ml import walk_forward  # noqa: PLC0415 - slow to import

        learnable = self._features.known_at(self._features.inputs.shape[1])[:, :, -1].any(axis=0)
        days = [panel.as_date(day) for day in self._held.days[learnable]]
        if len(days) <= walk_forward.LEAST_TRAINING_DAYS:
            raise TooLittleHistory(
                f"{len(days)} days have outcomes; a walk-forward needs more than {walk_forward.LEAST_TRAINING_DAYS}"
            )
        # The purge takes the outcomes of the last horizon before each fit, so the first start must lie beyond them.
        earliest = days[walk_forward.LEAST_TRAINING_DAYS] + timedelta(days=31)
        return max(earliest, self._held.last_day - timedelta(days=_LONGEST_TEST - 1))
