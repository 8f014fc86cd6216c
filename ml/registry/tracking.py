"""A training as an MLflow run: parameters, metrics of each epoch, the data set by its digest, plots, code version."""

import json
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from coinsphere.market.model import Token
from coinsphere.settings import Settings
from ml.data.datasets import TrainingSet
from ml.data.panel import Panel
from ml.data.snapshots import Snapshot
from ml.registry.mlflow_client import answers

EXPERIMENT = "coinsphere forecasts"
_KIND = "mlflow.experimentKind"
_MODEL_TRAINING = "custom_model_development"
"""Opens the experiment on runs and models; left alone, MLflow takes it for one of language models."""
_DIGEST_LENGTH = 36  # MLflow's limit; the whole digest stands in the source beside it


CANDLES = "daily candles of all tokens"
"""The data set of a panel, by its name in MLflow."""

Run = AbstractContextManager[str]
"""The id of a run that ends with the block, as failed if the block raises."""


@dataclass(frozen=True, slots=True)
class RunInput:
    """What a model is trained on, as MLflow shows it with the run, and the snapshot itself as files.

    Attributes:
        label: start of the run's name.
        token: symbol, or `all`.
        name: of the data set.
        digest: SHA-256 of its content.
        source: where it comes from.
        profile: how much it holds.
        files: the snapshot, stored with the run so that it can be repeated without the mart.
        columns: of a table; None where it is no table.
    """

    label: str
    token: str
    name: str
    digest: str
    source: Mapping[str, str]
    profile: Mapping[str, object]
    files: Mapping[str, bytes] = field(repr=False)
    columns: Sequence[Mapping[str, str]] | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What metrics belong to: a run, and for those of a model on a data set, these two."""

    run_id: str
    model_id: str | None = None
    data_set: str | None = None
    digest: str | None = None


def closes_of(token: Token) -> str:
    """The data set of a token's closes, by its name in MLflow."""
    return f"{token.symbol} daily closes"


def of_training_set(training_set: TrainingSet) -> RunInput:
    """The closes of one token."""
    symbol = training_set.token.symbol
    return RunInput(
        symbol,
        symbol,
        closes_of(training_set.token),
        training_set.digest,
        _source(training_set),
        {
            "rows": training_set.rows,
            "first_day": str(training_set.first_day),
            "last_day": str(training_set.last_day),
        },
        {"training_set.csv": training_set.csv().encode()},
        [{"type": "datetime", "name": "date"}, {"type": "double", "name": "close"}],
    )


def of_panel(panel: Panel) -> RunInput:
    """The candles of all tokens."""
    return RunInput(
        "all tokens",
        "all",
        CANDLES,
        panel.digest,
        _source(panel),
        {"rows": panel.rows, "tokens": list(panel.symbols), "last_day": str(panel.last_day)},
        {"panel.npz": panel.npz()},
    )


@contextmanager
def run(
    client: MlflowClient,
    settings: Settings,
    data: RunInput,
    algorithm: str,
    tags: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[str]:
    """The id of a run that ends with the block, as failed if the block raises.

    Raises:
        RegistryUnavailable: MLflow does not answer.
    """
    with answers(settings.tracking_url):
        started = client.create_run(
            experiment_id(client),
            run_name=f"{data.label} {algorithm}",
            tags={"algorithm": algorithm, "token": data.token, **tags},
        )
    run_id, status = str(started.info.run_id), "FAILED"
    try:
        with answers(settings.tracking_url):
            _log_input(client, run_id, data)
        yield run_id
        status = "FINISHED"
    finally:
        with answers(settings.tracking_url):
            client.set_terminated(run_id, status)


def lineage(settings: Settings, dagster_run_id: str) -> dict[str, str]:
    """Tags that lead from a run to the Dagster run that it is a part of; none where a person started it."""
    if not dagster_run_id:
        return {}
    return {
        "dagster_run_id": dagster_run_id,
        "dagster_run": f"{settings.orchestrator_url}/runs/{dagster_run_id}",
    }


def experiment_id(client: MlflowClient) -> str:
    """The experiment of all runs; made where there is none."""
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        try:
            created: str = client.create_experiment(EXPERIMENT, tags={_KIND: _MODEL_TRAINING})
        except MlflowException:
            # Another process may have made it in between.
            experiment = client.get_experiment_by_name(EXPERIMENT)
            if experiment is None:
                raise
        else:
            return created
    if experiment.tags.get(_KIND) != _MODEL_TRAINING:
        client.set_experiment_tag(experiment.experiment_id, _KIND, _MODEL_TRAINING)
    return str(experiment.experiment_id)


def run_page(client: MlflowClient, settings: Settings, run_id: str) -> str:
    """The address of a run's page, in MLflow's view of trained models."""
    experiment = experiment_id(client)
    return f"{settings.tracking_url}/#/experiments/{experiment}/runs/{run_id}?workflowType=machine_learning"


def log_parameters(client: MlflowClient, run_id: str, values: Mapping[str, object]) -> None:
    """Log parameters of a run."""
    client.log_batch(run_id, params=[Param(name, str(value)) for name, value in values.items()])


def log_metrics(
    client: MlflowClient, of: Subject, steps: Mapping[int, Mapping[str, float]], at_ms: int
) -> None:
    """Log figures by step: the epoch of a loss, the horizon in days of a score. What is not finite is left out.

    Args:
        client: of the tracking server.
        of: the run, and the model and data set where they are known.
        steps: figures by name, by step.
        at_ms: when, in milliseconds since 1970.
    """
    metrics = [
        Metric(
            name,
            float(value),
            at_ms,
            step,
            model_id=of.model_id,
            dataset_name=of.data_set,
            dataset_digest=of.digest and of.digest[:_DIGEST_LENGTH],
        )
        for step, values in steps.items()
        for name, value in values.items()
        if math.isfinite(value)
    ]
    for start in range(0, len(metrics), 1000):  # as many as one request may carry
        client.log_batch(of.run_id, metrics=metrics[start : start + 1000])


def log_tags(client: MlflowClient, run_id: str, tags: Mapping[str, str]) -> None:
    """Set tags of a run."""
    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])


def log_files(
    client: MlflowClient, run_id: str, files: Mapping[str, bytes], folder: str | None = None
) -> None:
    """Store files with a run."""
    with as_folder(files) as path:
        client.log_artifacts(run_id, str(path), folder)


@contextmanager
def as_folder(files: Mapping[str, bytes]) -> Iterator[Path]:
    """The files in a folder that is gone after the block: MLflow stores files, not bytes."""
    with tempfile.TemporaryDirectory() as name:
        for file, content in files.items():
            (Path(name) / file).write_bytes(content)
        yield Path(name)


def _log_input(client: MlflowClient, run_id: str, data: RunInput) -> None:
    data_set = Dataset(
        name=data.name,
        digest=data.digest[:_DIGEST_LENGTH],
        source_type="local",
        source=json.dumps(data.source),
        schema=json.dumps({"mlflow_colspec": data.columns}) if data.columns else None,
        profile=json.dumps(data.profile),
    )
    client.log_inputs(
        run_id, [DatasetInput(data_set, [InputTag("mlflow.data.context", "training")])]
    )
    log_files(client, run_id, data.files)


def _source(snapshot: Snapshot) -> dict[str, str]:
    return {
        "location": snapshot.location,
        "price_source": snapshot.price_source,
        "sha256": snapshot.digest,
    }
