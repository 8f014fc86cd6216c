"""The steps from prices to forecasts that the orchestration and the command call, of the per-token and the global models.

Importing this module is cheap: torch and MLflow are imported by the steps that need them.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from psycopg import Connection

from coinsphere.clock import Clock, utc_now
from coinsphere.market.model import Token
from coinsphere.settings import Settings
from ml.data import datasets, panel, past_beliefs, snapshots
from ml.data.datasets import TrainingSet
from ml.data.panel import Panel
from ml.errors import NoChampion
from ml.evaluation.results import Evaluation, Issued, TrainedGlobal, TrainedModel
from ml.serving.forecasting import Forecast

if TYPE_CHECKING:
    from ml.data.history import History
    from ml.evaluation.gates import Limits
    from ml.monitoring.promotion import Watched
    from ml.registry.global_registry import Loaded
    from ml.serving.public import PublicVersion
    from ml.training.fitting import Recipe


def build_training_set(conn: Connection, token: Token, settings: Settings) -> TrainingSet:
    """Read the last `settings.ml_training_days` days of `token`, and record the snapshot in `model.training_sets`.

    Raises:
        TooLittleHistory: the token has no final, unfilled day.
        BadHistory: a close is not a positive finite number.
    """
    training_set = datasets.load(conn, token, settings.ml_training_days)
    snapshots.record(conn, training_set, token.id)
    return training_set


def build_panel(conn: Connection) -> Panel:
    """The panel of all tokens with what was believed of it before, recorded in `model.training_sets`.

    Raises:
        TooLittleHistory: the mart has no final day.
        BadHistory: simulated candles lie among real ones.
    """
    candles = past_beliefs.joined(conn, panel.from_mart(conn))
    snapshots.record(conn, candles)
    return candles


def train_token(
    settings: Settings,
    training_set: TrainingSet,
    *,
    clock: Clock = utc_now,
    dagster_run_id: str = "",
) -> list[TrainedModel]:
    """Train the LSTM and its baselines, log each as an MLflow run and register a version of it.

    Needs no database. No alias is set: only `evaluate_token` does.

    Raises:
        TooLittleHistory: fewer days than the four parts need.
        RegistryUnavailable: the tracking server does not answer.
    """
    from ml.registry import token_training  # noqa: PLC0415 - slow to import

    return token_training.train_token(
        settings, training_set, clock=clock, dagster_run_id=dagster_run_id
    )


def train_global(
    conn: Connection,
    settings: Settings,
    candles: Panel,
    *,
    clock: Clock = utc_now,
    recipe: "Recipe | None" = None,
    limits: "Limits | None" = None,
    model: str | None = None,
    dagster_run_id: str = "",
) -> TrainedGlobal:
    """Fit a challenger and the baseline of the global model, walk both forward, and judge the challenger.

    At each horizon where it passes it serves if nothing does, or if what serves is stale; else it waits in the shadow, and
    `watch_global` lets it serve. The report is kept whether it passes or not. The baseline is fitted and its alias
    moves with each training, also where there are too few days to judge anything.

    Args:
        conn: where the report is kept; the caller owns the transaction.
        settings: of the tracking server.
        candles: the panel, already recorded.
        clock: tells when the version was trained.
        recipe: how nets are fitted; the usual one by default.
        limits: of the gates; the usual ones by default.
        model: the challenger; the combination by default.
        dagster_run_id: for the lineage.

    Raises:
        TooLittleHistory: too few days to walk anything forward on; the baseline is registered all the same.
        RegistryUnavailable: MLflow does not answer.
    """
    from ml.evaluation import gates  # noqa: PLC0415 - slow to import
    from ml.models.catalog import CHAMPION  # noqa: PLC0415 - slow to import
    from ml.monitoring import held_out_forecasts, promotion  # noqa: PLC0415 - slow to import
    from ml.registry import global_registry  # noqa: PLC0415 - slow to import
    from ml.registry.global_training import GlobalTraining  # noqa: PLC0415 - slow to import
    from ml.training.fitting import Recipe  # noqa: PLC0415 - slow to import

    training = GlobalTraining(settings, candles, recipe or Recipe(), clock, dagster_run_id)
    name = model or CHAMPION
    walked = training.walk_forward([*gates.BASELINES_OF_GATE, name])
    champions = global_registry.champions(settings, global_registry.serving(settings))
    judged = training.judge(name, walked, champions, limits or gates.Limits())
    held_out_forecasts.store_walk_forward(conn, judged.version, judged.facts, walked)
    held_out_forecasts.store_walk_forward(conn, *training.register_baseline(walked), walked)
    report_id, serves = promotion.admit(conn, settings, judged, champions, clock())
    facts, report = judged.facts, judged.report
    return TrainedGlobal(
        judged.version,
        name,
        facts.run_id,
        facts.data_digest,
        report,
        report_id,
        serves,
        walked,
        judged.card,
        judged.page,
    )


def registered_models(settings: Settings, token: Token) -> list[TrainedModel]:
    """The newest registered version of each algorithm of `token`, with its files: what an evaluation compares.

    Empty where none is registered. The steps of the orchestration meet here: none hands models to the next.

    Raises:
        RegistryUnavailable: the tracking server does not answer.
        ArtifactRefused: a model's files are not what its manifest says.
    """
    from ml.registry import token_registry  # noqa: PLC0415 - slow to import

    return token_registry.newest(settings, token)


def evaluate_token(
    conn: Connection,
    settings: Settings,
    training_set: TrainingSet,
    trained: Sequence[TrainedModel],
    *,
    clock: Clock = utc_now,
) -> Evaluation:
    """Score the models on the held-out part, write `model.evaluations` and what the champion forecast, and set the aliases.

    Raises:
        RegistryUnavailable: the tracking server does not answer; nothing is written then.
    """
    from ml.evaluation import held_out, held_out_log  # noqa: PLC0415 - slow to import
    from ml.monitoring import held_out_forecasts  # noqa: PLC0415
    from ml.registry import global_registry, token_registry  # noqa: PLC0415 - slow to import

    token = training_set.token
    beliefs = past_beliefs.of(
        conn, {token.id: token.symbol}, training_set.first_day, training_set.last_day
    )
    outcome = held_out.evaluate(training_set, trained, evaluated_at=clock(), beliefs=beliefs)
    baseline = global_registry.serving(settings).baseline
    held_out_log.record(conn, outcome)
    held_out_forecasts.of_token(conn, outcome, training_set.price_source)
    if baseline is not None:
        outcome = replace(outcome, behind=held_out_forecasts.behind(conn, outcome, baseline))
    token_registry.promote(settings, outcome)
    return outcome


def predict_token(
    conn: Connection,
    settings: Settings,
    token: Token,
    now: datetime,
    *,
    dagster_run_id: str = "",
) -> list[Forecast]:
    """Forecast all horizons with the champion from the last final close, and write `model.predictions`.

    They are shadows at the horizons where another rung of the ladder stands above: of one horizon, one is public.
    A forecast of the same origin by the same version is written once. One whose target has passed by `now` is
    marked as a backfill.

    Raises:
        NoChampion: no evaluated model is registered for the token.
        TooLittleHistory: the last days have too many gaps.
        RegistryUnavailable: the tracking server does not answer.
    """
    from ml.data import history  # noqa: PLC0415 - slow to import
    from ml.monitoring import prediction_log  # noqa: PLC0415 - slow to import
    from ml.registry import global_registry, token_registry  # noqa: PLC0415 - slow to import
    from ml.serving import token_forecasting  # noqa: PLC0415 - slow to import

    champion = token_registry.champion(settings, token)
    newest = history.latest(conn, token)
    history.keep(conn, newest)
    forecasts = token_forecasting.forecasts(champion, newest, now)
    serving = global_registry.serving(settings)
    above = {*global_registry.standing(settings, serving, now)}
    if serving.baseline is not None:
        above |= champion.behind
    prediction_log.record(
        conn,
        forecasts,
        is_shadow=lambda each: each.horizon_days in above,
        dagster_run_id=dagster_run_id,
    )
    picture = _fan(token, newest, f"{champion.info.algorithm} {champion.version}", forecasts)
    return [replace(forecast, plots={"fan": picture}) for forecast in forecasts]


def _fan(token: Token, newest: "History", model: str, forecasts: Sequence[Forecast]) -> bytes:
    """A picture of the forecasts of all horizons."""
    from ml.evaluation import plots  # noqa: PLC0415 - slow to import

    subject = plots.subject(token.symbol, newest.price_source)
    return plots.fan(
        f"{subject} from {newest.origin_at:%Y-%m-%d}, {model}",
        newest.reference_price,
        {each.horizon_days: each.quantiles for each in forecasts},
    )


def predict_global(
    conn: Connection, settings: Settings, now: datetime, *, dagster_run_id: str = ""
) -> list[Issued]:
    """Forecast all tokens from the last final close by every global version that serves, and by the challenger.

    Of one token and horizon one forecast is public, that of the highest rung of the ladder; the others are shadows.

    Raises:
        NoChampion: no version is registered.
        RegistryUnavailable: MLflow does not answer.
    """
    from ml.registry import global_registry  # noqa: PLC0415 - slow to import
    from ml.serving import public  # noqa: PLC0415 - slow to import

    serving = global_registry.serving(settings)
    if not serving.versions:
        raise NoChampion("no version of the global model is registered")
    candles = panel.recent(conn, now)
    snapshots.keep(conn, candles, candles.npz())
    shown = public.version_of(settings, serving, candles, now)
    return [
        _issue(conn, loaded, candles, shown, now, dagster_run_id=dagster_run_id)
        for loaded in global_registry.load_all(settings, serving.forecasting)
    ]


def _issue(
    conn: Connection,
    loaded: "Loaded",
    candles: Panel,
    shown: "PublicVersion",
    now: datetime,
    *,
    dagster_run_id: str,
) -> Issued:
    """Write the forecasts of one version."""
    from ml.monitoring import prediction_log  # noqa: PLC0415 - slow to import
    from ml.serving import global_forecasting  # noqa: PLC0415 - slow to import

    ids = dict(zip(candles.symbols, candles.token_ids, strict=True))
    expected = global_forecasting.distributions(loaded.version, candles)
    closes = datasets.closes_at(conn, {ids[each.symbol]: each.origin_at for each in expected})
    forecasts = global_forecasting.forecasts(loaded, candles, expected, closes, now)

    def is_shadow(forecast: Forecast) -> bool:
        return shown(forecast.symbol, forecast.horizon_days) != loaded.number

    prediction_log.record(conn, forecasts, is_shadow=is_shadow, dagster_run_id=dagster_run_id)
    return Issued(
        loaded.number,
        loaded.info.algorithm,
        tokens=len({each.symbol for each in forecasts}),
        forecasts=len(forecasts),
        public=sum(not is_shadow(each) for each in forecasts),
    )


def watch_global(conn: Connection, settings: Settings, now: datetime) -> "Watched":
    """Look how issued forecasts fared, act on it, and keep the pictures; see `ml.monitoring.promotion.watch`.

    Raises:
        NoChampion: none serves.
        RegistryUnavailable: MLflow does not answer.
    """
    from ml.monitoring import accuracy_plots, promotion  # noqa: PLC0415 - slow to import
    from ml.registry import global_registry, mlflow_client, tracking  # noqa: PLC0415 - slow to import

    watched = promotion.watch(conn, settings, now)
    pictures = accuracy_plots.pictures(watched.served)
    with mlflow_client.answers(settings.tracking_url):
        run_id = global_registry.run_of(settings, watched.newest)
        tracking.log_files(mlflow_client.client(settings), run_id, pictures, "monitoring")
    return replace(watched, pictures=pictures)
