"""MLflow's client with short timeouts; every failure of MLflow becomes one error."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from json import JSONDecodeError

from google.protobuf.json_format import ParseError  # type: ignore[import-untyped]
from mlflow import MlflowClient
from mlflow import environment_variables as variables
from mlflow.exceptions import MlflowException, RestException
from mlflow.telemetry import set_telemetry_client
from requests.exceptions import RequestException

from coinsphere.settings import Settings
from ml.errors import RegistryUnavailable

_TIMEOUT_SECONDS = 20
_RETRIES = 2
_MISSING = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


def client(settings: Settings) -> MlflowClient:
    """A client of the tracking server and registry of `settings`."""
    _settle()
    authenticate(settings)
    return MlflowClient(settings.tracking_url, settings.tracking_url)


def authenticate(settings: Settings) -> None:
    """Let MLflow's own code, which takes its token from a variable only, into the server of `settings`."""
    if settings.service_token is not None:
        # MLflow reads the variable of this name.
        os.environ["MLFLOW_TRACKING_TOKEN"] = settings.service_token.get_secret_value()


@contextmanager
def answers(url: str) -> Iterator[None]:
    """Turn every failure of MLflow at `url` into RegistryUnavailable. Catch inside the block what may be missing by right."""
    try:
        yield
    except MlflowException as error:
        raise RegistryUnavailable(f"MLflow at {url}: {error.message}") from error
    except (RequestException, OSError, JSONDecodeError, ParseError) as error:
        raise RegistryUnavailable(f"MLflow at {url}: {error}") from error


def is_missing(error: MlflowException) -> bool:
    """Whether the server answered that it has no such thing; of an alias it says that the parameter is invalid."""
    return isinstance(error, RestException) and error.error_code in _MISSING


@cache
def _settle() -> None:
    """Telemetry and its links off; and short waits, where MLflow's own last minutes. It takes such settings from variables only."""
    for variable, value in (
        (variables.MLFLOW_HTTP_REQUEST_TIMEOUT, _TIMEOUT_SECONDS),
        (variables.MLFLOW_HTTP_REQUEST_MAX_RETRIES, _RETRIES),
        (variables.MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR, 1),
        (variables.MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR, False),
        (variables.MLFLOW_DISABLE_TELEMETRY, True),
        # Its own links lead to its view of language models; ours say which view they mean.
        (variables.MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT, True),
    ):
        variable.set(value)  # type: ignore[no-untyped-call]  # MLflow does not annotate it
    # Looks again, and finds that it is off.
    set_telemetry_client()  # type: ignore[no-untyped-call]  # MLflow does not annotate it
