"""Restricts MLflow's artifacts to one folder, or one prefix of a bucket.

An experiment, a version of a model and a trace can name the place of their artifacts, and MLflow's server reads there
with its own rights: any folder of the machine, or through a link; any bucket. Here every way to artifacts ends in a repository that
looks at the resolved path first, and a request that names another place is refused when it is made.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED
from mlflow.store.artifact import artifact_repository_registry as registry
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository
from mlflow.utils.uri import validate_path_within_directory

from coinsphere.errors import ConfigurationError

PROXIED = "mlflow-artifacts:/"
"""Where artifacts lie as clients see it: behind the server."""
_RESOLVED_BY_OTHERS = frozenset({"mlflow-artifacts", "models", "runs"})
"""Schemes that lead to another place, which is looked at in turn."""
_PLACES = (
    "artifact_location",
    "artifactLocation",
    "default_artifact_root",
    "defaultArtifactRoot",
)
_PROMPT = "mlflow.prompt.is_prompt"


def restrict(root: str) -> None:
    """Let this process's MLflow server read and write artifacts below `root` alone. Call it once, before it serves.

    Args:
        root: `file:///folder` or `s3://bucket/prefix`.

    Raises:
        ConfigurationError: it is a bucket, and boto3 is not installed.
    """
    own = _objects_below(root) if root.startswith("s3:") else _files_below(root)
    # The registry's own table, whose types MLflow does not write out.
    repositories: dict[str, Any] = registry.get_registered_artifact_repositories()
    for scheme in repositories.keys() - _RESOLVED_BY_OTHERS:
        repositories[scheme] = own.get(scheme, _refused)
    _check_requests()


def place_refused(path: str, body: object) -> str | None:
    """Why a request names a place for artifacts that is not the server's; None where it names none.

    Args:
        path: the request's.
        body: its JSON, with names as protocol buffers take them: both `artifact_location` and `artifactLocation`.
    """
    if not isinstance(body, dict):
        return None
    for name in _named_in(path, body):
        value = body.get(name)
        if value and not (isinstance(value, str) and _is_ours(value)):
            return (
                f"{name} {str(value)[:200]!r}: this server keeps artifacts in its own place alone. Leave it out, or "
                f"name one below {PROXIED}."
            )
    return None


def _files_below(root: str) -> dict[str, Any]:
    class Own(_OwnFiles):
        folder = Path(unquote(urlsplit(root).path)).resolve()

    return {"": Own, "file": Own}


def _objects_below(root: str) -> dict[str, Any]:
    if find_spec("boto3") is None:
        raise ConfigurationError(f"{root} needs more packages: pip install 'coinsphere[aws]'")

    class Own(_OwnObjects):
        prefix = root.rstrip("/")

    return {"s3": Own}


class _OwnObjects(S3ArtifactRepository):
    """Objects below `prefix`, an address with its bucket."""

    prefix: str

    def __init__(self, artifact_uri: str, *args: Any, **kwargs: Any) -> None:
        is_below = f"{artifact_uri.rstrip('/')}/".startswith(f"{self.prefix}/")
        if not is_below or ".." in artifact_uri.split("/"):
            raise _denied(artifact_uri)
        super().__init__(artifact_uri, *args, **kwargs)


class _OwnFiles(LocalArtifactRepository):
    """Files below `folder`, links not followed to anywhere else."""

    folder: Path

    def __init__(self, artifact_uri: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(artifact_uri, *args, **kwargs)
        if not Path(self.artifact_dir).resolve().is_relative_to(self.folder):
            raise _denied(artifact_uri)

    def list_artifacts(self, path: str | None = None) -> list[Any]:
        """What lies there, without links that lead out."""
        infos: list[Any] = super().list_artifacts(path)  # type: ignore[no-untyped-call]  # MLflow does not annotate it
        return [info for info in infos if self._is_inside(info.path)]

    def delete_artifacts(self, artifact_path: str | None = None) -> None:
        """Delete what lies there. Raises MlflowException where a link leads out."""
        validate_path_within_directory(self.artifact_dir, self._path(artifact_path or ""))
        super().delete_artifacts(artifact_path)  # type: ignore[no-untyped-call]  # MLflow does not annotate it

    def download_trace_data(self) -> dict[str, Any]:
        """The trace's own file. Raises MlflowException where it is a link that leads out."""
        validate_path_within_directory(self.artifact_dir, self._path("traces.json"))
        data: dict[str, Any] = super().download_trace_data()
        return data

    def _path(self, path: str) -> str:
        return str(Path(self.artifact_dir) / path)

    def _is_inside(self, path: str) -> bool:
        return Path(self._path(path)).resolve().is_relative_to(self.folder)


def _refused(artifact_uri: str, *_: object, **__: object) -> LocalArtifactRepository:
    raise _denied(artifact_uri)


def _denied(place: str) -> MlflowException:
    return MlflowException(
        f"{place} is not below the place of this server's artifacts, and nothing else is read.",
        error_code=PERMISSION_DENIED,
    )


def _check_requests() -> None:
    """Refuse a foreign place when it is named, not when somebody looks."""
    from mlflow.server import app  # noqa: PLC0415  it reads its settings when it is imported

    def check() -> Any:
        from flask import request  # noqa: PLC0415  as MLflow's own plugins do, inside its server

        body = request.get_json(force=True, silent=True) if request.data else None
        why = place_refused(request.path, body)
        if why is None:
            return None
        return {"error_code": "INVALID_PARAMETER_VALUE", "message": why}, 400

    app.before_request(check)


def _named_in(path: str, body: dict[str, Any]) -> tuple[str, ...]:
    """The fields of `body` that name places; the source of a prompt's version names none, and MLflow checks it."""
    if not path.endswith("/model-versions/create"):
        return _PLACES
    tags = body.get("tags") or []
    is_prompt = any(isinstance(tag, dict) and tag.get("key") == _PROMPT for tag in tags)
    return () if is_prompt else ("source",)


def _is_ours(place: str) -> bool:
    parts = urlsplit(place)
    steps = unquote(unquote(parts.path)).replace("\\", "/").split("/")
    return parts.scheme in _RESOLVED_BY_OTHERS and not parts.netloc and ".." not in steps
