"""One training of a token's models: each is fitted, calibrated, logged as a run and registered as a version."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pandas as pd
from mlflow import MlflowClient

from coinsphere.clock import Clock
from coinsphere.settings import Settings
from ml.data import windows
from ml.data.datasets import TrainingSet
from ml.data.horizons import CONTEXT
from ml.data.windows import Series
from ml.evaluation import plots
from ml.evaluation.results import TrainedModel
from ml.models import artifact, catalog, residual
from ml.models.artifact import TokenFacts
from ml.registry import code_version, token_card, token_registry, tracking, versions
from ml.registry.mlflow_client import answers, client
from ml.registry.tracking import Subject
from ml.registry.versions import NewVersion
from ml.training import token_fits
from ml.training.token_fits import Fitted


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
        fitted = token_fits.fit(algorithm, series, epochs=settings.ml_epochs, seed=token_fits.SEED)
        pictures = _pictures(training_set, fitted)
        facts = _facts(training_set, series, algorithm, run_id, clock())
        files = artifact.pack(residual.calibrate(fitted.model, series), facts)
        example, parameters = _example(training_set), _parameters(facts, fitted, series)
        tags = {"dagster_run_id": dagster_run_id}
        new_version = NewVersion(algorithm, facts, files, example, parameters, tags)
        family = token_registry.family(training_set.token)
        version = versions.register(mlflow_client, family, new_version)
        of = Subject(run_id, version.model_id, data.name, data.digest)
        tracking.log_parameters(mlflow_client, run_id, parameters)
        _log(mlflow_client, of, facts, fitted, pictures)
        token_card.keep(mlflow_client, version, run_id, token_card.write(facts, ()))
    return TrainedModel(
        training_set.token,
        algorithm,
        version.name,
        version.number,
        run_id,
        training_set.digest,
        facts.code_version,
        files,
        _summary(fitted),
        pictures,
    )


def _facts(
    training_set: TrainingSet, series: Series, algorithm: str, run_id: str, trained_at: datetime
) -> TokenFacts:
    return TokenFacts(
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


def _example(training_set: TrainingSet) -> pd.DataFrame:
    """The last closes, as many as a forecast needs."""
    days = [str(day) for day in training_set.days[-CONTEXT:]]
    return pd.DataFrame({"date": days, "close": training_set.closes[-CONTEXT:]})


def _parameters(facts: TokenFacts, fitted: Fitted, series: Series) -> dict[str, object]:
    parts = {
        f"days_{part}": last - first
        for part in ("train", "validation", "calibration", "test")
        for first, last in [series.parts.bounds(part)]
    }
    return {"algorithm": facts.algorithm, **parts, **fitted.parameters}


def _log(
    mlflow_client: MlflowClient,
    of: Subject,
    facts: TokenFacts,
    fitted: Fitted,
    pictures: Mapping[str, bytes],
) -> None:
    tracking.log_tags(
        mlflow_client,
        of.run_id,
        {**facts.provenance(), "held_out_from": str(facts.held_out_from)},
    )
    at_ms = int(facts.trained_at.timestamp() * 1000)
    tracking.log_metrics(mlflow_client, of, dict(enumerate(fitted.steps, 1)), at_ms)
    if pictures:
        images = {f"{name}.png": image for name, image in pictures.items()}
        tracking.log_files(mlflow_client, of.run_id, images, "plots")


def _pictures(training_set: TrainingSet, fitted: Fitted) -> dict[str, bytes]:
    """The loss by epoch; none of a model that is fitted at once."""
    if fitted.best_epoch is None:
        return {}
    training = [step["training_loss"] for step in fitted.steps]
    validation = [step.get("validation_loss") for step in fitted.steps]
    title = plots.subject(training_set.token.symbol, training_set.price_source)
    return {"loss": plots.loss_curve(title, training, validation, fitted.best_epoch)}


def _summary(fitted: Fitted) -> dict[str, float]:
    """What a person wants to know of the fit at a glance: the least of each metric, and how many steps it took."""
    names = {name for step in fitted.steps for name in step}
    least = {
        f"best_{name}": min(step[name] for step in fitted.steps if name in step)
        for name in sorted(names)
    }
    return least | ({"epochs": float(len(fitted.steps))} if fitted.steps else {})
