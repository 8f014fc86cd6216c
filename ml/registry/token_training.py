"""Training: each algorithm is fitted, calibrated, logged as a run and registered as a version."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mlflow import MlflowClient

from coinsphere.clock import Clock
from coinsphere.settings import Settings
from ml.data import windows
from ml.data.datasets import TrainingSet
from ml.data.windows import Series
from ml.evaluation import plots
from ml.evaluation.results import TrainedModel
from ml.models import artifact, catalog, linear, residual
from ml.models.artifact import Facts
from ml.models.ewma import Ewma
from ml.models.interface import CentredModel
from ml.models.naive import Naive
from ml.registry import code_version, token_registry, tracking, versions
from ml.registry.mlflow_client import answers, client


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model after its fit: parameters and metrics of each step for the record, and plots."""

    model: CentredModel
    parameters: Mapping[str, object] = field(default_factory=dict)
    steps: tuple[Mapping[str, float], ...] = ()
    plots: Mapping[str, bytes] = field(default_factory=dict)


def train_token(
    settings: Settings, training_set: TrainingSet, *, clock: Clock, dagster_run_id: str = ""
) -> list[TrainedModel]:
    """Train and register every algorithm; see `ml.pipeline.train_token`."""
    # Asked before the work: minutes of training would be lost on a history that is too short or a server that is away.
    windows.series(*training_set.calendar())
    with answers(settings.tracking_url):
        mlflow_client = client(settings)
        tracking.experiment_id(mlflow_client)
        return [
            _train(
                mlflow_client,
                settings,
                training_set,
                algorithm,
                clock=clock,
                dagster_run_id=dagster_run_id,
            )
            for algorithm in catalog.ALGORITHMS
        ]


def fit(algorithm: str, series: Series, settings: Settings) -> Fitted:
    """Fit one algorithm on the training part."""
    return _FITS[algorithm](series, settings)


def held_out_from(training_set: TrainingSet, series: Series) -> datetime:
    """Midnight of the first day that neither training nor calibration looked at."""
    opened = training_set.data_cutoff - timedelta(days=series.parts.end)
    return opened + timedelta(days=series.parts.test)


def _train(
    mlflow_client: MlflowClient,
    settings: Settings,
    training_set: TrainingSet,
    algorithm: str,
    *,
    clock: Clock,
    dagster_run_id: str,
) -> TrainedModel:
    series = windows.series(*training_set.calendar())
    lineage = tracking.lineage(settings, dagster_run_id)
    data = tracking.of_training_set(training_set)
    with tracking.run(mlflow_client, settings, data, algorithm, lineage) as run_id:
        fitted = fit(algorithm, series, settings)
        trained_at = clock()
        facts = Facts(
            algorithm=algorithm,
            token_id=training_set.token.id,
            symbol=training_set.token.symbol,
            run_id=run_id,
            trained_at=trained_at,
            data_cutoff=training_set.data_cutoff,
            held_out_from=held_out_from(training_set, series).date(),
            data_digest=training_set.digest,
            price_source=training_set.price_source,
            code_version=code_version.current(),
        )
        files = artifact.pack(residual.calibrate(fitted.model, series), facts)
        _log(mlflow_client, facts, fitted, series)
        family = token_registry.family(training_set.token)
        version = versions.register(
            mlflow_client,
            family,
            algorithm,
            facts,
            files,
            tags={"dagster_run_id": dagster_run_id},
        )
    return TrainedModel(
        training_set.token,
        algorithm,
        token_registry.model_name(training_set.token),
        version,
        run_id,
        training_set.digest,
        facts.code_version,
        files,
        _summary(fitted),
        fitted.plots,
    )


def _log(mlflow_client: MlflowClient, facts: Facts, fitted: Fitted, series: Series) -> None:
    parts = {
        f"days_{part}": last - first
        for part in ("train", "validation", "calibration", "test")
        for first, last in [series.parts.bounds(part)]
    }
    tracking.log_parameters(
        mlflow_client,
        facts.run_id,
        {"algorithm": facts.algorithm, **parts, **fitted.parameters},
    )
    tracking.log_tags(
        mlflow_client,
        facts.run_id,
        {
            "code_version": facts.code_version,
            "data_digest": facts.data_digest,
            "price_source": facts.price_source,
            "held_out_from": str(facts.held_out_from),
        },
    )
    at_ms = int(facts.trained_at.timestamp() * 1000)
    tracking.log_metrics(mlflow_client, facts.run_id, fitted.steps, at_ms)
    if fitted.plots:
        images = {f"{name}.png": image for name, image in fitted.plots.items()}
        tracking.log_files(mlflow_client, facts.run_id, images, "plots")


def _summary(fitted: Fitted) -> dict[str, float]:
    """What a person wants to know of the fit at a glance: the least of each metric, and how many steps it took."""
    names = {name for step in fitted.steps for name in step}
    least = {
        f"best_{name}": min(step[name] for step in fitted.steps if name in step)
        for name in sorted(names)
    }
    return least | ({"epochs": float(len(fitted.steps))} if fitted.steps else {})


def _fit_naive(series: Series, settings: Settings) -> Fitted:  # noqa: ARG001 - one signature
    return Fitted(Naive())


def _fit_ewma(series: Series, settings: Settings) -> Fitted:  # noqa: ARG001 - one signature
    model = Ewma()
    return Fitted(model, model.parameters())


def _fit_linear(series: Series, settings: Settings) -> Fitted:  # noqa: ARG001 - one signature
    model = linear.fit(series)
    return Fitted(model, {"penalties": model.penalties})


def _fit_lstm(series: Series, settings: Settings) -> Fitted:
    from ml.training import lstm_loop  # noqa: PLC0415 - torch takes seconds to import

    made = lstm_loop.fit(series, epochs=settings.ml_epochs, seed=settings.ml_seed)
    training = [epoch.training_loss for epoch in made.epochs]
    validation = [epoch.validation_loss for epoch in made.epochs]
    steps = tuple(
        {"training_loss": loss} | ({} if checked is None else {"validation_loss": checked})
        for loss, checked in zip(training, validation, strict=True)
    )
    parameters = lstm_loop.settings_of(settings.ml_epochs, settings.ml_seed)
    curve = plots.loss_curve(training, validation, made.best_epoch)
    return Fitted(made.model, {**parameters, "best_epoch": made.best_epoch}, steps, {"loss": curve})


_FITS: Mapping[str, Callable[[Series, Settings], Fitted]] = {
    "naive": _fit_naive,
    "ewma": _fit_ewma,
    "linear": _fit_linear,
    "lstm": _fit_lstm,
}
