"""The global model from panel to forecasts: the steps that the orchestration and the command call.

Importing this module is cheap: torch and MLflow are imported by the steps that need them.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg import Connection

from coinsphere import log
from coinsphere.clock import Clock, utc_now
from coinsphere.settings import Settings
from ml.data import panel
from ml.data.panel import Panel
from ml.errors import ArtifactRefused, NoChampion, TooLittleHistory
from ml.serving import ladder
from ml.serving.ladder import Rung

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from ml.evaluation.backtest import Backtest
    from ml.evaluation.gates import GateReport
    from ml.monitoring.promotion import Watched
    from ml.registry.global_registry import Loaded, Serving
    from ml.registry.global_version import GlobalFacts
    from ml.training.fitting import Recipe

_LONGEST_TEST = 1461

_log = log.get("ml.global_pipeline")


@dataclass(frozen=True, slots=True)
class Trained:
    """A registered version, how it was judged, and its card."""

    version: int
    model: str
    run_id: str
    data_digest: str
    report: "GateReport"
    report_id: UUID
    serves: tuple[int, ...]
    """Horizons at which it serves from now on; where it passed beside a champion it waits in its shadow first."""
    backtest: "Backtest" = field(repr=False)
    card: Mapping[str, bytes] = field(repr=False, default_factory=dict)


@dataclass(frozen=True, slots=True)
class Issued:
    """How many forecasts were issued by which version, of how many tokens, and how many of them are public."""

    version: int
    model: str
    tokens: int
    forecasts: int
    public: int


def build_panel(conn: Connection) -> Panel:
    """The panel of all tokens, recorded in `model.training_sets`.

    Raises:
        TooLittleHistory: the mart has no final day.
        BadHistory: simulated candles lie among real ones.
    """
    from ml.monitoring import global_log  # noqa: PLC0415 - slow to import

    made = panel.from_mart(conn)
    global_log.record_panel(conn, made)
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

    At each horizon where it passes it serves if nothing does, or if what serves is stale; else it waits in the shadow, and
    `promotion.watch` lets it serve. The report is kept whether it passes or not. The baseline is fitted and its alias
    moves with each training, also where there are too few days to judge anything.

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
        TooLittleHistory: too few days to walk anything forward on; the baseline is registered all the same.
        RegistryUnavailable: MLflow does not answer.
    """
    from ml.evaluation import gates  # noqa: PLC0415 - slow to import
    from ml.evaluation.losses import Losses  # noqa: PLC0415
    from ml.models.catalog import CHAMPION  # noqa: PLC0415
    from ml.monitoring import held_out_forecasts, promotion  # noqa: PLC0415 - slow to import
    from ml.registry import gate_reports, global_registry, model_card  # noqa: PLC0415 - slow to import
    from ml.training.fitting import Recipe  # noqa: PLC0415

    made = _Training(settings, held, recipe or Recipe(), clock, dagster_run_id)
    challenger = model or CHAMPION
    try:
        walked = made.walk_forward([*gates.BASELINES_OF_GATE, challenger])
    except TooLittleHistory:
        _register_baseline(made, None)
        raise
    serving = global_registry.serving(settings)
    champions = load_champions(settings, serving)
    with made.run(challenger) as run_id:
        fitted = made.fit(challenger)
        report = gates.judge(
            walked,
            challenger,
            made.probe(fitted, walked),
            {at: Losses.from_npz(each.version.losses) for at, each in champions.items()},
            least_days=gates.LEAST_DAYS if least_days is None else least_days,
        )
        facts, number = made.register(challenger, fitted, walked, run_id)
        card = made.log(facts, walked, report, run_id)
    held_out_forecasts.of_walk_forward(conn, number, facts, walked)
    held_out_forecasts.of_walk_forward(conn, *_register_baseline(made, walked), walked)
    report_id = gate_reports.record(conn, number, facts, report, clock())
    global_registry.describe(settings, number, model_card.note(card["model_card.md"]))
    global_registry.record_verdict(settings, number, report.horizons, str(report_id))
    serves = tuple(
        horizon
        for horizon in report.horizons
        if not promotion.must_wait(settings, champions.get(horizon), clock())
    )
    for horizon in serves:
        global_registry.let_serve(settings, horizon, number)
    promotion.challenge(settings, number, global_registry.serving(settings))
    held_out_forecasts.forget_all_but(conn, global_registry.serving(settings))
    return Trained(
        number, challenger, facts.run_id, held.digest, report, report_id, serves, walked, card
    )


def _register_baseline(made: "_Training", walked: "Backtest | None") -> tuple[int, "GlobalFacts"]:
    from ml.models.catalog import BASELINE  # noqa: PLC0415
    from ml.registry import global_registry  # noqa: PLC0415 - slow to import

    with made.run(BASELINE) as run_id:
        facts, version = made.register(BASELINE, made.fit(BASELINE), walked, run_id)
    global_registry.set_alias(made.settings, global_registry.BASELINE, version)
    return version, facts


def load_champions(settings: Settings, serving: "Serving") -> dict[int, "Loaded"]:
    """The champions by horizon; one whose files are refused is left out, so that a challenger may take its place.

    Raises:
        RegistryUnavailable: MLflow does not answer.
    """
    from ml.registry import global_registry  # noqa: PLC0415 - slow to import

    loaded = {}
    for version in set(serving.champions.values()):
        with suppress(ArtifactRefused):
            loaded[version] = global_registry.load(settings, version)
    return {at: loaded[each] for at, each in serving.champions.items() if each in loaded}


def issue(
    conn: Connection, settings: Settings, now: datetime, *, dagster_run_id: str = ""
) -> list[Issued]:
    """Forecast all tokens from the last final close by every version that serves, and by the challenger.

    Of one token and horizon one forecast is public, that of the highest rung of the ladder; the others are shadows.

    Raises:
        NoChampion: no version is registered.
        RegistryUnavailable: MLflow does not answer.
    """
    from ml.monitoring import global_log  # noqa: PLC0415 - slow to import
    from ml.registry import global_registry  # noqa: PLC0415 - slow to import
    from ml.serving import global_forecasting  # noqa: PLC0415 - slow to import

    serving = global_registry.serving(settings)
    if not serving.versions:
        raise NoChampion("no version of the global model is registered")
    held = panel.recent(conn, now)
    global_log.record_snapshot(conn, held)
    public = _public_version(settings, serving, held, now)
    issued = []
    for version in sorted(
        {*serving.versions, *filter(None, (serving.baseline, serving.challenger))}
    ):
        try:
            loaded = global_registry.load(settings, version)
        except ArtifactRefused as reason:
            _log.error("model_refused", version=version, reason=str(reason))
            continue
        made = global_forecasting.outlooks(loaded.version, held)
        spoken = {
            (each.symbol, each.horizon_days)
            for each in made
            if public(each.symbol, each.horizon_days) == version
        }
        count = global_log.record(
            conn, loaded, held, made, now, public=spoken, dagster_run_id=dagster_run_id
        )
        tokens = len({outlook.symbol for outlook in made})
        issued.append(Issued(version, loaded.version.facts.model, tokens, count, len(spoken)))
    return issued


def _public_version(
    settings: Settings, serving: "Serving", held: Panel, now: datetime
) -> Callable[[str, int], int | None]:
    """Gives the version whose forecast of a symbol and horizon is public; None where the token's own champion's is."""
    from ml.registry import global_registry, token_registry  # noqa: PLC0415 - slow to import

    standing = global_registry.standing(settings, serving, now)
    with_own = {each.token_id for each in token_registry.promotions(settings)}
    own = {
        symbol
        for symbol, token_id in zip(held.symbols, held.token_ids, strict=True)
        if token_id in with_own
    }

    def version(symbol: str, horizon: int) -> int | None:
        rung = ladder.choose(
            champion=horizon in standing,
            of_token=symbol in own,
            baseline=serving.baseline is not None,
        )
        speakers = {
            Rung.GLOBAL_CHAMPION: standing.get(horizon),
            Rung.GLOBAL_BASELINE: serving.baseline,
        }
        return None if rung is None else speakers.get(rung)

    return version


def watch(conn: Connection, settings: Settings, now: datetime) -> "Watched":
    """Look how issued forecasts fared, act on it, and keep the pictures; see `ml.monitoring.promotion.watch`.

    Raises:
        NoChampion: none serves.
        RegistryUnavailable: MLflow does not answer.
    """
    from ml.monitoring import accuracy_plots, promotion  # noqa: PLC0415 - slow to import
    from ml.registry import global_registry, mlflow_client, tracking  # noqa: PLC0415 - slow to import

    found = promotion.watch(conn, settings, now)
    pictures = accuracy_plots.pictures(found.served)
    with mlflow_client.answers(settings.tracking_url):
        run_id = global_registry.run_of(settings, found.newest)
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
        from ml.data import features  # noqa: PLC0415 - slow to import
        from ml.registry import mlflow_client  # noqa: PLC0415 - slow to import

        self.settings, self._held, self._recipe, self._clock = settings, held, recipe, clock
        self._dagster_run_id = dagster_run_id
        self._features = features.build(held)
        with mlflow_client.answers(settings.tracking_url):
            self._client: MlflowClient = mlflow_client.client(settings)

    def walk_forward(self, names: list[str]) -> "Backtest":
        from ml.evaluation import backtest  # noqa: PLC0415 - slow to import

        return backtest.run(
            self._features,
            self._start(),
            self._held.last_day + timedelta(days=1),
            names=names,
            recipe=self._recipe,
            processes=self.settings.ml_processes,
        )

    def fit(self, name: str) -> Any:
        from ml.training import fitting  # noqa: PLC0415 - slow to import

        days = self._features.inputs.shape[1]
        return fitting.fit(self._features, days, [name], self._recipe)[name]

    def probe(self, fitted: Any, walked: "Backtest") -> Any:
        from ml.evaluation import probes  # noqa: PLC0415 - torch takes seconds to import

        return probes.probe(self._features, fitted, walked, self._recipe)

    def run(self, name: str) -> Any:
        from ml.registry import tracking  # noqa: PLC0415 - slow to import

        return tracking.panel_run(self._client, self.settings, self._held, name)

    def register(
        self, name: str, fitted: Any, walked: "Backtest | None", run_id: str
    ) -> tuple["GlobalFacts", int]:
        """Make a version of it; without a walk-forward it has no figures and its intervals are the distribution's."""
        from ml.models import novelty  # noqa: PLC0415 - slow to import
        from ml.registry import code_version, global_registry, mlflow_client  # noqa: PLC0415 - slow to import
        from ml.registry import global_version as versions  # noqa: PLC0415

        facts = versions.GlobalFacts(
            model=name,
            run_id=run_id,
            trained_at=self._clock(),
            data_cutoff=self._held.data_cutoff,
            data_digest=self._held.digest,
            price_source=self._held.price_source,
            code_version=code_version.current(),
            dagster_run_id=self._dagster_run_id,
        )
        version = versions.GlobalVersion(
            facts,
            fitted,
            novelty=novelty.fit(self._features, self._features.inputs.shape[1]),
            **(versions.reached(walked, name) if walked else versions.unmeasured()),
        )
        with mlflow_client.answers(self.settings.tracking_url):
            return facts, global_registry.register(self._client, facts, versions.pack(version))

    def log(
        self, facts: "GlobalFacts", walked: "Backtest", report: "GateReport", run_id: str
    ) -> dict[str, bytes]:
        from ml.registry import mlflow_client, model_card, tracking  # noqa: PLC0415 - slow to import

        card = model_card.write(
            facts,
            walked,
            report,
            expiry_days=self.settings.ml_expiry_days,
            baseline_days=self.settings.ml_baseline_days,
        )
        at_ms = int(facts.trained_at.timestamp() * 1000)
        metrics = {
            f"{name}_{row.horizon}d": float(getattr(row, name))
            for row in walked.table()
            if row.model == facts.model
            for name in ("crps", "skill", "dm_t", "log_gain", "coverage80", "coverage95")
        }
        with mlflow_client.answers(self.settings.tracking_url):
            tracking.log_metrics(self._client, run_id, [metrics], at_ms)
            tracking.log_tags(
                self._client,
                run_id,
                {
                    "code_version": facts.code_version,
                    "data_digest": facts.data_digest,
                    **tracking.lineage(self.settings, facts.dagster_run_id),
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
        from ml.evaluation import walk_forward  # noqa: PLC0415 - slow to import

        learnable = self._features.known_at(self._features.inputs.shape[1])[:, :, -1].any(axis=0)
        days = [panel.as_date(day) for day in self._held.days[learnable]]
        if len(days) <= walk_forward.LEAST_TRAINING_DAYS:
            raise TooLittleHistory(
                f"{len(days)} days have outcomes; a walk-forward needs more than {walk_forward.LEAST_TRAINING_DAYS}"
            )
        # The purge takes the outcomes of the last horizon before each fit, so the first start must lie beyond them.
        earliest = days[walk_forward.LEAST_TRAINING_DAYS] + timedelta(days=31)
        return max(earliest, self._held.last_day - timedelta(days=_LONGEST_TEST - 1))
