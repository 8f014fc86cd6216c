"""How MLflow describes a version of ours: its signature, an example of its input, and the two flavours that open it.

`python_function` names `ml.serving.pyfunc`, which compares every digest before it parses anything; `onnx` lets a net be
opened by itself. There is no pickle, and no list of packages: `--env-manager local` is the environment of the lock.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from platform import python_version
from typing import Any

import pandas as pd
from mlflow.models import Model, ModelSignature
from mlflow.store.artifact.models_artifact_repo import REGISTERED_MODEL_META_FILE_NAME
from mlflow.types import ColSpec, DataType, Schema

from ml.models.lstm import NETWORK

DESCRIPTION = "MLmodel"
_EXAMPLE = "input_example.json"
_REQUEST = "serving_input_example.json"
OWN_FILES = frozenset({DESCRIPTION, _EXAMPLE, _REQUEST, REGISTERED_MODEL_META_FILE_NAME})
"""Files that are MLflow's, no part of the version. The last it writes beside what it fetched by name and number."""
_LOADER = "ml.serving.pyfunc"

FORECAST = {
    "token": DataType.string,
    "origin": DataType.string,
    "horizon_days": DataType.long,
    **dict.fromkeys(("lower95", "lower80", "median", "upper80", "upper95"), DataType.double),
}
"""Columns of what every version answers: prices in US dollars; `origin` is the close that they start from, ISO 8601."""
CLOSES = {"date": DataType.string, "close": DataType.double}
"""Columns that a token's own model asks for: days as YYYY-MM-DD and closes in US dollars."""
CANDLES = {
    "token": DataType.string,
    "date": DataType.string,
    **dict.fromkeys(("open", "high", "low", "close", "volume"), DataType.double),
}
"""Columns that the model of all tokens asks for."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A model as MLflow logged it: its id, the place of its files, the run and when it was trained."""

    model_id: str
    location: str
    run_id: str
    trained_at: datetime


def signature(asked: Mapping[str, DataType]) -> ModelSignature:
    """Of a model that is asked with these columns."""
    return ModelSignature(_schema(asked), _schema(FORECAST))


def described(
    asked: Mapping[str, DataType], logged: Logged, example: pd.DataFrame, files: Mapping[str, bytes]
) -> dict[str, bytes]:
    """The files by which MLflow opens a version.

    Args:
        asked: columns of its input.
        logged: the model that they describe.
        example: rows that it can be asked with.
        files: the version's own.
    """
    table = {"columns": list(example.columns), "data": example.to_numpy(dtype=object).tolist()}
    model: Any = Model(
        artifact_path=logged.location,
        run_id=logged.run_id,
        model_id=logged.model_id,
        signature=signature(asked),
        saved_input_example_info={
            "artifact_path": _EXAMPLE,
            "serving_input_path": _REQUEST,
            "type": "dataframe",
            "pandas_orient": "split",
        },
        utc_time_created=logged.trained_at.astimezone(UTC).replace(tzinfo=None),
    )
    model.add_flavor("python_function", loader_module=_LOADER, python_version=python_version())
    if NETWORK in files:
        model.add_flavor(
            "onnx", onnx_version=version("onnx"), data=NETWORK, providers=["CPUExecutionProvider"]
        )
    return {
        DESCRIPTION: str(model.to_yaml()).encode(),
        _EXAMPLE: json.dumps(table).encode(),
        _REQUEST: json.dumps({"dataframe_split": table}).encode(),
    }


def _schema(columns: Mapping[str, DataType]) -> Schema:
    return Schema([ColSpec(kind, name) for name, kind in columns.items()])
