"""Making a version of a registered model from files, without a pickle and without MLflow's inference of packages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import numpy as np
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec

from coinsphere.market.model import Token
from ml.data.horizons import CONTEXT, HORIZONS, LEVELS
from ml.models import artifact
from ml.models.artifact import MANIFEST
from ml.registry import tracking
from ml.registry.mlflow_client import is_missing
from ml.registry.token_registry import (
    CHAMPION,
    DESCRIPTION,
    FORECASTER,
    KIND,
    MANIFEST_DIGEST,
    model_name,
)


@dataclass(frozen=True, slots=True)
class Family:
    """A registered model: what all its versions have in common. It is made in MLflow with the first of them."""

    name: str
    description: str
    tags: Mapping[str, str]
    signature: ModelSignature


class Made(Protocol):
    """What is known of a version, whatever it is a version of."""

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
    facts: Made,
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
    with tracking.as_folder({**files, DESCRIPTION: described}) as folder:
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
            MANIFEST_DIGEST: artifact.digest(files[MANIFEST]),
            **tags,
        },
        await_creation_for=0,
    )
    return int(version.version)


def of_token(token: Token) -> Family:
    """The models of one token."""
    return Family(
        model_name(token),
        f"Forecasts of {token.name} for {', '.join(map(str, HORIZONS))} days; "
        f"`{CHAMPION}` serves, set by the evaluation alone.",
        {KIND: FORECASTER, "token_id": str(token.id), "symbol": token.symbol},
        ModelSignature(
            Schema([TensorSpec(np.dtype(np.float64), (-1, CONTEXT), "log_closes")]),
            Schema(
                [TensorSpec(np.dtype(np.float64), (-1, len(HORIZONS), len(LEVELS)), "log_returns")]
            ),
        ),
    )


def _ensure(mlflow_client: MlflowClient, family: Family) -> None:
    try:
        mlflow_client.get_registered_model(family.name)
    except MlflowException as error:
        if not is_missing(error):
            raise
        mlflow_client.create_registered_model(
            family.name, tags=dict(family.tags), description=family.description
        )


def _describe(signature: ModelSignature, model_id: str, location: str, facts: Made) -> bytes:
    """MLflow's description with the signature; no flavour, as nothing but our own code loads it."""
    described: Any = Model(
        artifact_path=location,
        run_id=facts.run_id,
        model_id=model_id,
        signature=signature,
        utc_time_created=facts.trained_at.astimezone(UTC).replace(tzinfo=None),
    )
    return str(described.to_yaml()).encode()
