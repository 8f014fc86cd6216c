"""Versions of registered models in MLflow and their files, for every family: no pickle, no inference of packages.

A version's files and their manifest are an artifact of MLflow; the digest of the manifest is a tag of the version, so it
lies in the registry's database and not beside the files.
"""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import mlflow.artifacts
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature

from coinsphere.settings import Settings
from ml.errors import ArtifactRefused
from ml.models import artifact
from ml.models.artifact import MANIFEST
from ml.registry import tracking
from ml.registry.mlflow_client import answers, client, is_missing

KIND = "coinsphere_kind"
"""Tag of a registered model that says which family it is of."""

_MANIFEST_DIGEST = "manifest_sha256"
_DESCRIPTION = "MLmodel"
"""MLflow's own description of a model. It is shown by MLflow and never read here."""

_LOGGED_MODEL = "models:/"
"""Start of a version's source, which is one of MLflow's logged models; its id follows."""

_LARGEST_FILE = 64 * 2**20


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """Which version of which registered model, and what it was made from; shown with each of its forecasts.

    `dagster_run_id` is None where a family does not keep it.
    """

    name: str
    number: int
    algorithm: str
    run_id: str
    trained_at: datetime
    data_cutoff: datetime
    code_version: str
    data_digest: str
    dagster_run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """A registered model: what all its versions have in common. It is made in MLflow with the first of them."""

    name: str
    description: str
    tags: Mapping[str, str]
    signature: ModelSignature


class Trained(Protocol):
    """What is known of a model when it has been trained, whichever family it is of."""

    @property
    def run_id(self) -> str:
        """MLflow's run."""
        ...

    @property
    def trained_at(self) -> datetime:
        """When."""
        ...

    @property
    def data_digest(self) -> str:
        """SHA-256 of what it was trained on."""
        ...

    @property
    def code_version(self) -> str:
        """Which code trained it."""
        ...


def register(
    mlflow_client: MlflowClient,
    family: Family,
    algorithm: str,
    facts: Trained,
    files: Mapping[str, bytes],
    *,
    tags: Mapping[str, str],
) -> int:
    """Store the files as a logged model of the run, and make them the newest version of the family.

    Args:
        mlflow_client: of the tracking server.
        family: whose version it becomes.
        algorithm: what kind of model it is.
        facts: what is known of it.
        files: all of it, the manifest among them.
        tags: of the version, beside those that every version has.
    """
    _ensure(mlflow_client, family)
    logged = mlflow_client.create_logged_model(
        tracking.experiment_id(mlflow_client),
        name=f"{family.name}-{algorithm}",
        source_run_id=facts.run_id,
        model_type=algorithm,
    )
    described = _describe(family.signature, logged.model_id, logged.artifact_location, facts)
    with tracking.as_folder({**files, _DESCRIPTION: described}) as folder:
        mlflow_client.log_model_artifacts(logged.model_id, str(folder))
    mlflow_client.finalize_logged_model(logged.model_id, "READY")
    version = mlflow_client.create_model_version(
        family.name,
        source=logged.model_uri,
        run_id=facts.run_id,
        model_id=logged.model_id,
        tags={
            "algorithm": algorithm,
            "data_digest": facts.data_digest,
            "code_version": facts.code_version,
            _MANIFEST_DIGEST: artifact.digest(files[MANIFEST]),
            **tags,
        },
        await_creation_for=0,
    )
    return int(version.version)


def fetch(settings: Settings, name: str, version: int) -> tuple[ModelVersion, dict[str, bytes]]:
    """A version and all its files, unverified, without MLflow's own."""
    with answers(settings.tracking_url), tempfile.TemporaryDirectory() as folder:
        mlflow_client = client(settings)
        found = mlflow_client.get_model_version(name, str(version))
        logged = mlflow_client.get_logged_model((found.source or "").removeprefix(_LOGGED_MODEL))
        # Not by its `models:/` name: MLflow would then look for a database of its own beside the server's.
        fetched = mlflow.artifacts.download_artifacts(
            artifact_uri=logged.artifact_location,
            dst_path=folder,
            tracking_uri=settings.tracking_url,
        )
        return found, dict(_read(Path(fetched)))


def _read(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and name != _DESCRIPTION:
            if path.stat().st_size > _LARGEST_FILE:
                raise ArtifactRefused(f"{name} is larger than any model of ours")
            yield name, path.read_bytes()


def manifest_digest(version: ModelVersion) -> str:
    """SHA-256 of the version's manifest, which is kept apart from its files.

    Raises:
        ArtifactRefused: somebody else registered it.
    """
    digest = version.tags.get(_MANIFEST_DIGEST)
    if digest is None:
        raise ArtifactRefused(f"{version.name} {version.version} was not registered by Coinsphere")
    return str(digest)


def _ensure(mlflow_client: MlflowClient, family: Family) -> None:
    try:
        mlflow_client.get_registered_model(family.name)
    except MlflowException as error:
        if not is_missing(error):
            raise
        mlflow_client.create_registered_model(
            family.name, tags=dict(family.tags), description=family.description
        )


def _describe(signature: ModelSignature, model_id: str, location: str, facts: Trained) -> bytes:
    """MLflow's description with the signature; no flavour, as nothing but our own code loads it."""
    described: Any = Model(
        artifact_path=location,
        run_id=facts.run_id,
        model_id=model_id,
        signature=signature,
        utc_time_created=facts.trained_at.astimezone(UTC).replace(tzinfo=None),
    )
    return str(described.to_yaml()).encode()
