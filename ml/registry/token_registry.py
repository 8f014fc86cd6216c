"""The model registry in MLflow: versions without pickles, and the aliases `champion` and `baseline`.

A token has one registered model, every training of every algorithm is a version of it. A version's files are those of
`ml.models.artifact`; the digest of their manifest is a tag of the version, so it lies in the registry's database and not
beside the files. The figures of an evaluation are a tag too: whoever loads a champion has both.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import mlflow.artifacts
import numpy as np
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion, RegisteredModel
from mlflow.exceptions import MlflowException

from coinsphere.clock import iso
from coinsphere.market.model import Token
from coinsphere.settings import Settings
from ml.data.horizons import CONTEXT
from ml.errors import ArtifactRefused, NoChampion
from ml.evaluation.results import Evaluation, Score, TrainedModel
from ml.models import artifact, catalog
from ml.models.artifact import Facts
from ml.models.interface import Forecaster
from ml.registry import tracking
from ml.registry.mlflow_client import answers, client, is_missing

CHAMPION = "champion"
BASELINE = "baseline"

KIND = "coinsphere_kind"
FORECASTER = "forecaster"
MANIFEST_DIGEST = "manifest_sha256"
_EVALUATION = "evaluation"
_EVALUATED_AT = "evaluated_at"
DESCRIPTION = "MLmodel"
"""MLflow's own description of a model. It is shown by MLflow and never read here."""

_LOGGED_MODEL = "models:/"
"""Start of a version's source, which is one of MLflow's logged models; its id follows."""

_LARGEST_FILE = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Champion:
    """A verified, loaded version, and its scores by horizon; empty where it was never evaluated."""

    facts: Facts
    forecaster: Forecaster
    model_name: str
    version: int
    scores: Mapping[int, Score] = field(default_factory=dict)

    def warm_up(self) -> None:
        """Forecast once from a price that stands still, so that the first real forecast is as fast as the next."""
        self.forecaster.quantiles(np.zeros((1, CONTEXT)))


@dataclass(frozen=True, slots=True)
class Promotion:
    """Which version of a registered model serves, since which evaluation."""

    model_name: str
    version: int
    evaluated_at: str
    token_id: UUID


def model_name(token: Token) -> str:
    """The registered model of a token: the symbol for people, the start of the id as symbols are not unique."""
    readable = "".join(letter if letter.isalnum() else "_" for letter in token.symbol)
    return f"{readable}-{token.id.hex[:8]}"


def promote(settings: Settings, outcome: Evaluation) -> None:
    """Attach each version's figures to it, and set the aliases. The champion's alias moves last, in one step.

    Raises:
        RegistryUnavailable: MLflow does not answer; the alias is where it was.
    """
    with answers(settings.tracking_url):
        mlflow_client = client(settings)
        at_ms = int(outcome.evaluated_at.timestamp() * 1000)
        for algorithm in dict.fromkeys(score.algorithm for score in outcome.scores):
            scores = outcome.of(algorithm)
            version = str(scores[0].model_version)
            tracking.log_metrics(mlflow_client, scores[0].run_id, [_metrics(scores)], at_ms)
            mlflow_client.set_model_version_tag(
                outcome.model_name, version, _EVALUATION, _scores_to_json(scores)
            )
            if algorithm == catalog.NAIVE:
                mlflow_client.set_registered_model_alias(outcome.model_name, BASELINE, version)
        tracking.log_files(mlflow_client, outcome.champion.run_id, outcome.plots, "evaluation")
        mlflow_client.set_registered_model_tag(
            outcome.model_name, _EVALUATED_AT, iso(outcome.evaluated_at)
        )
        mlflow_client.set_registered_model_alias(
            outcome.model_name, CHAMPION, str(outcome.champion.version)
        )


def promotions(settings: Settings) -> list[Promotion]:
    """The champions of all registered models, without their files.

    Raises:
        RegistryUnavailable: MLflow does not answer.
    """
    with answers(settings.tracking_url):
        return [
            Promotion(
                found.name,
                int(found.aliases[CHAMPION]),
                found.tags.get(_EVALUATED_AT, ""),
                UUID(found.tags["token_id"]),
            )
            for found in _registered_models(client(settings))
            if CHAMPION in found.aliases
        ]


def lost(settings: Settings) -> dict[UUID, str]:
    """Tokens that were evaluated and have no champion any more, with what is missing and how it comes back.

    MLflow forgets an alias when its version is deleted.

    Raises:
        RegistryUnavailable: MLflow does not answer.
    """
    with answers(settings.tracking_url):
        return {
            UUID(found.tags["token_id"]): f"the alias `{CHAMPION}` of {found.name} is gone; "
            f"`coinsphere ml evaluate {found.tags['symbol']}` sets it anew"
            for found in _registered_models(client(settings))
            if CHAMPION not in found.aliases and _EVALUATED_AT in found.tags
        }


def champion(settings: Settings, token: Token) -> Champion:
    """The token's champion, verified and loaded.

    Raises:
        NoChampion: no evaluated model is registered.
        RegistryUnavailable: MLflow does not answer.
        ArtifactRefused: its files are not what was registered.
    """
    name = model_name(token)
    with answers(settings.tracking_url):
        try:
            found = client(settings).get_model_version_by_alias(name, CHAMPION)
        except MlflowException as error:
            if not is_missing(error):
                raise
            raise NoChampion(f"{token.symbol} has no evaluated model") from error
    return load(settings, name, int(found.version))


def load(settings: Settings, name: str, version: int) -> Champion:
    """Fetch, verify and load one version.

    Raises:
        RegistryUnavailable: MLflow does not answer, or has no such version.
        ArtifactRefused: its files are not what was registered.
    """
    found, files = fetch(settings, name, version)
    opened = artifact.unpack(files, manifest_digest(found))
    scores = _scores_from_json(found)
    return Champion(opened.facts, opened.forecaster, name, version, scores)


def newest(settings: Settings, token: Token) -> list[TrainedModel]:
    """The newest version of each algorithm, verified; empty where none is registered.

    Raises:
        RegistryUnavailable: MLflow does not answer.
        ArtifactRefused: its files are not what was registered.
    """
    name = model_name(token)
    versions = newest_versions(settings, name)
    return [
        _trained(settings, token, name, versions[algorithm])
        for algorithm in catalog.ALGORITHMS
        if algorithm in versions
    ]


def newest_versions(settings: Settings, name: str) -> dict[str, int]:
    """The newest version of a registered model by algorithm."""
    with answers(settings.tracking_url):
        found = client(settings).search_model_versions(
            f"name='{name}'", max_results=200, order_by=["version_number DESC"]
        )
    # Reversed, so that the newest of an algorithm is the one that stays.
    return {each.tags.get("algorithm", ""): int(each.version) for each in reversed(found)}


def scores_of(settings: Settings, name: str, version: int) -> dict[int, Score]:
    """The figures of a version's last evaluation by horizon; empty where there was none."""
    with answers(settings.tracking_url):
        return _scores_from_json(client(settings).get_model_version(name, str(version)))


def _trained(settings: Settings, token: Token, name: str, version: int) -> TrainedModel:
    found, files = fetch(settings, name, version)
    facts = artifact.unpack(files, manifest_digest(found)).facts
    return TrainedModel(
        token,
        facts.algorithm,
        name,
        version,
        facts.run_id,
        facts.data_digest,
        facts.code_version,
        files,
    )


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
        if path.is_file() and name != DESCRIPTION:
            if path.stat().st_size > _LARGEST_FILE:
                raise ArtifactRefused(f"{name} is larger than any model of ours")
            yield name, path.read_bytes()


def manifest_digest(version: ModelVersion) -> str:
    """SHA-256 of the version's manifest, which is kept apart from its files.

    Raises:
        ArtifactRefused: somebody else registered it.
    """
    digest = version.tags.get(MANIFEST_DIGEST)
    if digest is None:
        raise ArtifactRefused(f"{version.name} {version.version} was not registered by Coinsphere")
    return str(digest)


def _registered_models(mlflow_client: MlflowClient) -> Iterator[RegisteredModel]:
    page, token = None, None
    while page is None or token:
        page = mlflow_client.search_registered_models(
            f"tags.{KIND} = '{FORECASTER}'", max_results=500, page_token=token
        )
        token = page.token
        yield from page


def _metrics(scores: tuple[Score, ...]) -> dict[str, float]:
    names = ("pinball_loss", "mean_absolute_error", "skill_vs_naive", "coverage80", "coverage95")
    return {
        f"test_{name}_{score.horizon_days}d": getattr(score, name)
        for score in scores
        for name in names
    }


def _scores_to_json(scores: tuple[Score, ...]) -> str:
    return json.dumps([asdict(score) for score in scores], default=str)


def _scores_from_json(version: ModelVersion) -> dict[int, Score]:
    rows: list[dict[str, Any]] = json.loads(version.tags.get(_EVALUATION, "[]"))
    scores = [
        Score(
            **{name: value for name, value in row.items() if not name.endswith("_origin")}
            | {
                name: datetime.fromisoformat(row[name]).date()
                for name in ("first_origin", "last_origin")
            }
        )
        for row in rows
    ]
    return {score.horizon_days: score for score in scores}
