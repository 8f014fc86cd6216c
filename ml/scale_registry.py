"""The global model in MLflow: one registered model, whose aliases say which version serves, which waits, which is safe."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

from coinsphere.settings import Settings
from ml import registration, registry
from ml.features import NAMES
from ml.horizons import HORIZONS
from ml.mlflow_client import answers, client, is_missing
from ml.registration import Family
from ml.registry import KIND
from ml.scale_version import ScaleFacts, ScaleVersion, unpack

NAME = "coinsphere-scale"
CHAMPION = "champion"
CHALLENGER = "challenger"
BASELINE = "baseline"
_KIND = "scale"
_GATE_REPORT = "gate_report_id"
_STATUS = "validation_status"
PENDING, PASSED, REFUSED, VETOED = "pending", "passed", "refused", "vetoed"
_FAMILY = Family(
    NAME,
    f"Distributions of all tokens for {', '.join(map(str, HORIZONS))} days. `{CHAMPION}` serves, set by the gates alone; "
    f"`{CHALLENGER}` forecasts in its shadow; `{BASELINE}` serves where the champion fails.",
    {KIND: _KIND},
    ModelSignature(
        Schema([TensorSpec(np.dtype(np.float32), (-1, -1, len(NAMES)), "inputs")]),
        Schema([TensorSpec(np.dtype(np.float32), (-1, -1, len(HORIZONS)), "shifts")]),
    ),
)


@dataclass(frozen=True, slots=True)
class Registered:
    """A version as the registry knows it, without its files."""

    version: int
    model: str
    gate_report_id: str | None
    status: str
    """`PENDING`, `PASSED`, `REFUSED` or `VETOED`."""


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A verified, loaded version."""

    number: int
    version: ScaleVersion


def register(mlflow_client: MlflowClient, facts: ScaleFacts, files: Mapping[str, bytes]) -> int:
    """Make the files the newest version; it serves nobody yet."""
    tags = {"dagster_run_id": facts.dagster_run_id, _STATUS: PENDING}
    return registration.register(mlflow_client, _FAMILY, facts.model, facts, files, tags=tags)


def set_alias(settings: Settings, alias: str, version: int) -> None:
    """Let `alias` name the version, in one step.

    Raises:
        RegistryUnavailable: MLflow does not answer; the alias is where it was.
    """
    with answers(settings.tracking_url):
        client(settings).set_registered_model_alias(NAME, alias, str(version))


def record_verdict(settings: Settings, version: int, status: str, report_id: str) -> None:
    """Say on the version how it was judged, and where the report is."""
    set_status(settings, version, status)
    with answers(settings.tracking_url):
        client(settings).set_model_version_tag(NAME, str(version), _GATE_REPORT, report_id)


def set_status(settings: Settings, version: int, status: str) -> None:
    """Say on the version how it was judged: `PENDING`, `PASSED`, `REFUSED` or `VETOED`."""
    with answers(settings.tracking_url):
        client(settings).set_model_version_tag(NAME, str(version), _STATUS, status)


def describe(settings: Settings, version: int, text: str) -> None:
    """Show a text in Markdown on the version's page."""
    with answers(settings.tracking_url):
        client(settings).update_model_version(NAME, str(version), text)


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
            str(found.tags.get(_STATUS, PENDING)),
        )


def run_of(settings: Settings, version: int) -> str:
    """The MLflow run that trained a version.

    Raises:
        RegistryUnavailable: MLflow does not answer.
    """
    with answers(settings.tracking_url):
        return str(client(settings).get_model_version(NAME, str(version)).run_id)


def load(settings: Settings, version: int) -> Loaded:
    """Fetch, verify and load a version.

    Raises:
        RegistryUnavailable: MLflow does not answer, or has no such version.
        ArtifactRefused: its files are not what was registered.
    """
    found, files = registry.fetch(settings, NAME, version)
    return Loaded(version, unpack(files, registry.manifest_digest(found)))


def load_alias(settings: Settings, alias: str) -> Loaded | None:
    """The version that an alias names, loaded; None where it names none.

    Raises:
        RegistryUnavailable: MLflow does not answer.
        ArtifactRefused: its files are not what was registered.
    """
    found = by_alias(settings, alias)
    return None if found is None else load(settings, found.version)
