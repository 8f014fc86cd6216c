"""Versions of registered models in MLflow and their files, for every family: no pickle, no inference of packages.

A version's files and their manifest are an artifact of MLflow; the digest of the manifest is a tag of the version, so it
lies in the registry's database and not beside the files.

A registered model is named for people and known by its tags: a symbol may stand for two tokens, and names have changed.
"""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Self

import mlflow.artifacts
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, LoggedModelOutput
from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.exceptions import MlflowException
from mlflow.store.artifact.models_artifact_repo import REGISTERED_MODEL_META_FILE_NAME
from mlflow.types import DataType
from mlflow.utils.yaml_utils import read_yaml

from coinsphere.settings import Settings
from ml.errors import ArtifactRefused
from ml.models import manifest
from ml.models.manifest import MANIFEST, TrainingFacts
from ml.registry import flavours, tracking
from ml.registry.flavours import OWN_FILES, Logged
from ml.registry.mlflow_client import answers, client

KIND = "coinsphere_kind"
"""Tag of a registered model that says which family it is of."""

_MANIFEST_DIGEST = "manifest_sha256"
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

    @classmethod
    def of(
        cls, name: str, number: int, facts: TrainingFacts, dagster_run_id: str | None = None
    ) -> Self:
        """The version of that number, by what is known of it."""
        return cls(
            name,
            number,
            facts.algorithm,
            facts.run_id,
            facts.trained_at,
            facts.data_cutoff,
            facts.code_version,
            facts.data_digest,
            dagster_run_id,
        )


@dataclass(frozen=True, slots=True)
class Family:
    """A registered model: what all its versions have in common. It is made in MLflow with the first of them.

    Attributes:
        names: the first that is free becomes its name.
        identity: tags that no other registered model has.
        description: for people.
        asked: columns of what its versions are asked with.
        tags: beside `identity`.
    """

    names: tuple[str, ...]
    identity: Mapping[str, str]
    description: str
    asked: Mapping[str, DataType]
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Version:
    """A version that was just registered, and the logged model that it is."""

    name: str
    number: int
    model_id: str


@dataclass(frozen=True, slots=True)
class NewVersion:
    """The files and facts that `register` makes a version of.

    Attributes:
        algorithm: what kind of model it is.
        facts: what is known of it.
        files: all of it, the manifest among them.
        example: rows that it can be asked with.
        parameters: how it was made, for people.
        tags: of the version, beside those that every version has.
    """

    algorithm: str
    facts: TrainingFacts
    files: Mapping[str, bytes] = field(repr=False)
    example: pd.DataFrame = field(repr=False)
    parameters: Mapping[str, object] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


def register(mlflow_client: MlflowClient, family: Family, new: NewVersion) -> Version:
    """Store the files as a logged model of the run, and make them the newest version of the family."""
    name, facts = ensure(mlflow_client, family), new.facts
    logged = _log_model(mlflow_client, family, f"{name}-{new.algorithm}", new)
    version = mlflow_client.create_model_version(
        name,
        source=logged.model_uri,
        run_id=facts.run_id,
        model_id=logged.model_id,
        tags={
            "algorithm": new.algorithm,
            "data_digest": facts.data_digest,
            "code_version": facts.code_version,
            _MANIFEST_DIGEST: manifest.digest(new.files[MANIFEST]),
            **new.tags,
        },
        await_creation_for=0,
    )
    return Version(name, int(version.version), logged.model_id)


def _log_model(
    mlflow_client: MlflowClient, family: Family, name: str, new: NewVersion
) -> LoggedModel:
    """A logged model of the run with the files and what MLflow wants to know of them."""
    facts = new.facts
    logged = mlflow_client.create_logged_model(
        tracking.experiment_id(mlflow_client),
        name=name,
        source_run_id=facts.run_id,
        model_type=new.algorithm,
        params={key: str(value) for key, value in new.parameters.items()},
    )
    about = Logged(logged.model_id, logged.artifact_location, facts.run_id, facts.trained_at)
    described = flavours.described(family.asked, about, new.example, new.files)
    with tracking.as_folder({**new.files, **described}) as folder:
        mlflow_client.log_model_artifacts(logged.model_id, str(folder))
    mlflow_client.log_outputs(facts.run_id, [LoggedModelOutput(logged.model_id, step=0)])
    mlflow_client.finalize_logged_model(logged.model_id, "READY")
    return logged


def find(mlflow_client: MlflowClient, identity: Mapping[str, str]) -> RegisteredModel | None:
    """The registered model with these tags."""
    wanted = " and ".join(f"tags.{name} = '{value}'" for name, value in identity.items())
    return next(iter(mlflow_client.search_registered_models(wanted, max_results=1)), None)


def ensure(mlflow_client: MlflowClient, family: Family) -> str:
    """The name of the family's registered model, which is made where there is none."""
    for name in family.names:
        model = find(mlflow_client, family.identity)
        if model is not None:
            return str(model.name)
        try:
            mlflow_client.create_registered_model(
                name, tags={**family.identity, **family.tags}, description=family.description
            )
        except MlflowException as error:
            # Another model's, or another process made ours in between: looked up again, the next name is tried.
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            conflict = error
        else:
            return name
    model = find(mlflow_client, family.identity)
    if model is None:
        raise conflict
    return str(model.name)


def vouched(mlflow_client: MlflowClient, folder: Path, stored_manifest: bytes) -> ModelVersion:
    """Of the versions whose files lie in a folder, the one asked for, else the one with this manifest's digest.

    Args:
        mlflow_client: of the registry, whose database knows what was registered.
        folder: where MLflow put the files.
        stored_manifest: as it lies there.

    Raises:
        ArtifactRefused: no version has this manifest.
    """
    if (folder / REGISTERED_MODEL_META_FILE_NAME).exists():
        asked = read_yaml(str(folder), REGISTERED_MODEL_META_FILE_NAME)  # type: ignore[no-untyped-call]  # MLflow's own
        return mlflow_client.get_model_version(asked["model_name"], str(asked["model_version"]))
    digest = manifest.digest(stored_manifest)
    stored = mlflow_client.search_model_versions(
        f"tags.{_MANIFEST_DIGEST} = '{digest}'", max_results=1
    )
    if not stored:
        raise ArtifactRefused(
            f"the registry vouches for no version with the manifest {digest}: MLFLOW_TRACKING_URI must name the server "
            "that it was registered with, and none of its files may have been changed"
        )
    return stored[0]


def fetch(settings: Settings, name: str, version: int) -> tuple[ModelVersion, dict[str, bytes]]:
    """A version and all its files, unverified, without MLflow's own."""
    with answers(settings.tracking_url), tempfile.TemporaryDirectory() as folder:
        mlflow_client = client(settings)
        stored = mlflow_client.get_model_version(name, str(version))
        logged = mlflow_client.get_logged_model(logged_model(stored))
        # Not by its `models:/` name: MLflow would then look for a database of its own beside the server's.
        fetched = mlflow.artifacts.download_artifacts(
            artifact_uri=logged.artifact_location,
            dst_path=folder,
            tracking_uri=settings.tracking_url,
        )
        return stored, dict(read(Path(fetched)))


def read(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The files of a version in a folder, unverified, without MLflow's own.

    Raises:
        ArtifactRefused: one is larger than any of ours.
    """
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and name not in OWN_FILES:
            if path.stat().st_size > _LARGEST_FILE:
                raise ArtifactRefused(f"{name} is larger than any model of ours")
            yield name, path.read_bytes()


def logged_model(version: ModelVersion) -> str:
    """The id of the logged model that a version is."""
    return (version.source or "").removeprefix(_LOGGED_MODEL)


def manifest_digest(version: ModelVersion) -> str:
    """SHA-256 of the version's manifest, which is kept apart from its files.

    Raises:
        ArtifactRefused: somebody else registered it.
    """
    digest = version.tags.get(_MANIFEST_DIGEST)
    if digest is None:
        raise ArtifactRefused(f"{version.name} {version.version} was not registered by Coinsphere")
    return str(digest)
