"""The global model in MLflow: one registered model, whose aliases say which version serves, which waits, which is safe."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import numpy as np
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec

from coinsphere.settings import Settings
from ml import registry, tracking
from ml.errors import ArtifactRefused
from ml.features import NAMES
from ml.horizons import HORIZONS
from ml.mlflow_client import answers, client, is_missing
from ml.registry import DESCRIPTION, KIND, MANIFEST_DIGEST
from ml.scale_version import MANIFEST, ScaleFacts, ScaleVersion, digest, unpack

NAME = "coinsphere-scale"
CHAMPION = "champion"
CHALLENGER = "challenger"
BASELINE = "baseline"
_KIND = "scale"
_GATE_REPORT = "gate_report_id"
_STATUS = "validation_status"


@dataclass(frozen=True, slots=True)
class Registered:
    """A version as the registry knows it, without its files."""

    version: int
    model: str
    gate_report_id: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A verified, loaded version."""

    number: int
    version: ScaleVersion


def register(mlflow_client: MlflowClient, facts: ScaleFacts, files: Mapping[str, bytes]) -> int:
    """Store the files as a logged model of the run, and make them the newest version."""
    _ensure(mlflow_client)
    logged = mlflow_client.create_logged_model(
        tracking.experiment_id(mlflow_client),
        name=f"scale-{facts.model}",
        source_run_id=facts.run_id,
        model_type=facts.model,
    )
    described = {**files, DESCRIPTION: _describe(logged.model_id, logged.artifact_location, facts)}
    with tracking.as_folder(described) as folder:
        mlflow_client.log_model_artifacts(logged.model_id, str(folder))
    mlflow_client.finalize_logged_model(logged.model_id, "READY")
    made = mlflow_client.create_model_version(
        NAME,
        source=logged.model_uri,
        run_id=facts.run_id,
        model_id=logged.model_id,
        tags={
            "algorithm": facts.model,
            "data_digest": facts.data_digest,
            "code_version": facts.code_version,
            "dagster_run_id": facts.dagster_run_id,
            _STATUS: "pending",
            MANIFEST_DIGEST: digest(files[MANIFEST]),
        },
        await_creation_for=0,
    )
    return int(made.version)


def set_alias(settings: Settings, alias: str, version: int) -> None:
    """Let `alias` name the version, in one step.

    Raises:
        RegistryUnavailable: MLflow does not answer; the alias is where it was.
    """
    with answers(settings.tracking_url):
        client(settings).set_registered_model_alias(NAME, alias, str(version))


def record_verdict(settings: Settings, version: int, *, passed: bool, report_id: str) -> None:
    """Say on the version whether it passed its gates, and where the report is."""
    with answers(settings.tracking_url):
        mlflow_client = client(settings)
        status = "passed" if passed else "refused"
        mlflow_client.set_model_version_tag(NAME, str(version), _STATUS, status)
        mlflow_client.set_model_version_tag(NAME, str(version), _GATE_REPORT, report_id)


def by_alias(settings: Settings, alias: str) -> Registered | None:
    """The version that an alias names; None where it names none.

    Raises:
        RegistryUnavailable: MLflow does not answer.
    """
    with answers(settings.tracking_url):
        try:
            found = client(settings).get_model_version_by_alias(NAME, alias)
        except MlflowException as error:
            if is_missing(error):
                return None
            raise
        return Registered(
            int(found.version),
            str(found.tags.get("algorithm", "")),
            found.tags.get(_GATE_REPORT),
        )


def load(settings: Settings, version: int) -> Loaded:
    """Fetch, verify and load a version.

    Raises:
        RegistryUnavailable: MLflow does not answer, or has no such version.
        ArtifactRefused: its files are not what was registered.
    """
    found, files = registry.fetch(settings, NAME, version)
    return Loaded(version, unpack(files, _manifest_digest(found)))


def load_alias(settings: Settings, alias: str) -> Loaded | None:
    """The version that an alias names, loaded; None where it names none.

    Raises:
        RegistryUnavailable: MLflow does not answer.
        ArtifactRefused: its files are not what was registered.
    """
    found = by_alias(settings, alias)
    return None if found is None else load(settings, found.version)


def _manifest_digest(found: ModelVersion) -> str:
    held = found.tags.get(MANIFEST_DIGEST)
    if held is None:
        raise ArtifactRefused(f"{found.name} {found.version} was not registered by Coinsphere")
    return str(held)


def _ensure(mlflow_client: MlflowClient) -> None:
    try:
        mlflow_client.get_registered_model(NAME)
    except MlflowException as error:
        if not is_missing(error):
            raise
        mlflow_client.create_registered_model(
            NAME,
            tags={KIND: _KIND},
            description="Distributions of all tokens for "
            f"{', '.join(map(str, HORIZONS))} days. `{CHAMPION}` serves and is set by the gates alone; "
            f"`{CHALLENGER}` was trained last; `{BASELINE}` serves where the champion fails.",
        )


def _describe(model_id: str, location: str, facts: ScaleFacts) -> bytes:
    """MLflow's description with the signature; no flavour, as nothing but our own code loads it."""
    signature = ModelSignature(
        Schema([TensorSpec(np.dtype(np.float32), (-1, -1, len(NAMES)), "inputs")]),
        Schema([TensorSpec(np.dtype(np.float32), (-1, -1, len(HORIZONS)), "shifts")]),
    )
    described: Any = Model(
        artifact_path=location,
        run_id=facts.run_id,
        model_id=model_id,
        signature=signature,
        utc_time_created=facts.trained_at.astimezone(UTC).replace(tzinfo=None),
    )
    return str(described.to_yaml()).encode()
