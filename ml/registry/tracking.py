"""A training as an MLflow run: parameters, metrics of each epoch, the data set by its digest, plots, code version."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from coinsphere.settings import Settings
from ml.data.datasets import TrainingSet
from ml.data.panel import Panel
from ml.data.snapshots import Snapshot
from ml.registry.mlflow_client import answers

EXPERIMENT = "coinsphere forecasts"
_DIGEST_LENGTH = 36  # MLflow's limit; the whole digest stands in the source beside it


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


def of_training_set(training_set: TrainingSet) -> RunInput:
    """The closes of one token."""
    symbol = training_set.token.symbol
    return RunInput(
        symbol,
        symbol,
        f"{symbol} daily closes",
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
        "scale",
        "all",
        "daily candles of all tokens",
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
