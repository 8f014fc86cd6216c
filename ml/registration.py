"""Making a version of a registered model from files, without a pickle and without MLflow's inference of packages."""

from collections.abc import Mapping
from datetime import UTC

import numpy as np
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec

from coinsphere.market.model import Token
from ml import artifact, tracking
from ml.artifact import MANIFEST, Facts
from ml.horizons import CONTEXT, HORIZONS, LEVELS
from ml.mlflow_client import is_missing
from ml.registry import CHAMPION, DESCRIPTION, FORECASTER, KIND, MANIFEST_DIGEST, model_name


def register(
    mlflow_client: MlflowClient, token: Token, facts: Facts, files: Mapping[str, bytes]
) -> int:
    """Store the files as a logged model of the run, and make it the newest version of the token's model."""
    name = model_name(token)
    _ensure_registered_model(mlflow_client, name, token)
    logged = mlflow_client.create_logged_model(
        tracking.experiment_id(mlflow_client),
        name=f"{token.symbol}-{facts.algorithm}",
        source_run_id=facts.run_id,
        model_type=facts.algorithm,
    )
    described = {**files, DESCRIPTION: _describe(logged.model_id, logged.artifact_location, facts)}
    with tracking.as_folder(described) as folder:
        mlflow_client.log_model_artifacts(logged.model_id, str(folder))
    mlflow_client.finalize_logged_model(logged.model_id, "READY")
    version = mlflow_client.create_model_version(
        name,
        source=logged.model_uri,
        run_id=facts.run_id,
        model_id=logged.model_id,
        tags={
            "algorithm": facts.algorithm,
            "data_digest": facts.data_digest,
            "code_version": facts.code_version,
            MANIFEST_DIGEST: artifact.digest(files[MANIFEST]),
        },
        await_creation_for=0,
    )
    return int(version.version)


def _ensure_registered_model(mlflow_client: MlflowClient, name: str, token: Token) -> None:
    try:
        mlflow_client.get_registered_model(name)
    except MlflowException as error:
        if not is_missing(error):
            raise
        mlflow_client.create_registered_model(
            name,
            tags={KIND: FORECASTER, "token_id": str(token.id), "symbol": token.symbol},
            description=f"Forecasts of {token.name} for {', '.join(map(str, HORIZONS))} days; "
            f"`{CHAMPION}` serves, set by the evaluation alone.",
        )


def _describe(model_id: str, location: str, facts: Facts) -> bytes:
    """MLflow's description with the signature; no flavour, as nothing but our own code loads it."""
    signature = ModelSignature(
        Schema([TensorSpec(np.dtype(np.float64), (-1, CONTEXT), "log_closes")]),
        Schema([TensorSpec(np.dtype(np.float64), (-1, len(HORIZONS), len(LEVELS)), "log_returns")]),
    )
    described = Model(
        artifact_path=location,
        run_id=facts.run_id,
        model_id=model_id,
        signature=signature,
        utc_time_created=facts.trained_at.astimezone(UTC).replace(tzinfo=None),
    )
    return str(described.to_yaml()).encode()
