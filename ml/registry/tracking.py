"""A training as an MLflow run: parameters, metrics of each epoch, the data set by its digest, plots, code version."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from coinsphere.settings import Settings
from ml.data.datasets import TrainingSet
from ml.data.panel import Panel
from ml.registry.mlflow_client import answers

EXPERIMENT = "coinsphere forecasts"
_DIGEST_LENGTH = 36  # MLflow's limit; the whole digest stands in the source beside it


@contextmanager
def run(
    client: MlflowClient, training_set: TrainingSet, algorithm: str, tags: Mapping[str, str]
) -> Iterator[str]:
    """The id of a run that ends with the block, as failed if the block raises."""
    started = client.create_run(
        experiment_id(client),
        run_name=f"{training_set.token.symbol} {algorithm}",
        tags={"algorithm": algorithm, "token": training_set.token.symbol, **tags},
    )
    status = "FAILED"
    try:
        _log_data_set(client, started.info.run_id, training_set)
        yield started.info.run_id
        status = "FINISHED"
    finally:
        client.set_terminated(started.info.run_id, status)


@contextmanager
def panel_run(client: MlflowClient, settings: Settings, held: Panel, model: str) -> Iterator[str]:
    """As `run`, for a model of all tokens of a panel."""
    with answers(settings.tracking_url):
        started = client.create_run(
            experiment_id(client),
            run_name=f"scale {model}",
            tags={"algorithm": model, "token": "all"},
        )
    run_id = str(started.info.run_id)
    status = "FAILED"
    try:
        with answers(settings.tracking_url):
            _log_panel(client, run_id, held)
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
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is None:
        try:
            made: str = client.create_experiment(EXPERIMENT)
        except MlflowException:
            # Another process may have made it in between.
            found = client.get_experiment_by_name(EXPERIMENT)
            if found is None:
                raise
        else:
            return made
    return str(found.experiment_id)


def log_parameters(client: MlflowClient, run_id: str, values: Mapping[str, object]) -> None:
    """Log parameters of a run."""
    client.log_batch(run_id, params=[Param(name, str(value)) for name, value in values.items()])


def log_metrics(
    client: MlflowClient, run_id: str, steps: Sequence[Mapping[str, float]], at_ms: int
) -> None:
    """Log metrics of a run, one mapping a step, counted from 1."""
    metrics = [
        Metric(name, value, at_ms, step)
        for step, values in enumerate(steps, 1)
        for name, value in values.items()
    ]
    for start in range(0, len(metrics), 1000):  # as many as one request may carry
        client.log_batch(run_id, metrics=metrics[start : start + 1000])


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


def _log_data_set(client: MlflowClient, run_id: str, training_set: TrainingSet) -> None:
    """Name the data set as the run's input, and store the snapshot itself: a run can be repeated without the mart."""
    columns = [{"type": "datetime", "name": "date"}, {"type": "double", "name": "close"}]
    source = {
        "location": training_set.location,
        "price_source": training_set.price_source,
        "sha256": training_set.digest,
    }
    profile = {
        "rows": len(training_set.days),
        "first_day": str(training_set.first_day),
        "last_day": str(training_set.last_day),
    }
    data_set = Dataset(
        name=f"{training_set.token.symbol} daily closes",
        digest=training_set.digest[:_DIGEST_LENGTH],
        source_type="local",
        source=json.dumps(source),
        schema=json.dumps({"mlflow_colspec": columns}),
        profile=json.dumps(profile),
    )
    client.log_inputs(
        run_id, [DatasetInput(data_set, [InputTag("mlflow.data.context", "training")])]
    )
    log_files(client, run_id, {"training_set.csv": training_set.csv().encode()})


def _log_panel(client: MlflowClient, run_id: str, held: Panel) -> None:
    """Name the panel as the run's input, and store the snapshot itself."""
    source = {
        "location": held.location,
        "price_source": held.price_source,
        "sha256": held.digest,
    }
    profile = {"rows": held.rows, "tokens": list(held.symbols), "last_day": str(held.last_day)}
    data_set = Dataset(
        name="daily candles of all tokens",
        digest=held.digest[:_DIGEST_LENGTH],
        source_type="local",
        source=json.dumps(source),
        profile=json.dumps(profile),
    )
    client.log_inputs(
        run_id, [DatasetInput(data_set, [InputTag("mlflow.data.context", "training")])]
    )
    log_files(client, run_id, {"panel.npz": held.npz()})
