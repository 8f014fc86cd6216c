"""The per-token models in MLflow: one registered model a token, and the aliases `champion` and `baseline`.

It is known by the token's id, a tag, and named by the symbol, with the id's start only where another has that name. Models
of an earlier system keep the name that stored forecasts give.

Every training of every algorithm is a version of it. The figures of an evaluation are a tag of the version: whoever
loads a champion has both.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from coinsphere.clock import iso
from coinsphere.market.model import Token
from coinsphere.settings import Settings
from ml.data.horizons import CONTEXT, HORIZONS
from ml.errors import ArtifactRefused, NoChampion
from ml.evaluation.results import Evaluation, Score, TrainedModel
from ml.models import artifact, catalog
from ml.models.artifact import TokenFacts
from ml.models.interface import Forecaster
from ml.registry import flavours, token_card, tracking, versions
from ml.registry.mlflow_client import answers, client
from ml.registry.token_listing import BEHIND, CHAMPION, EVALUATED_AT, FORECASTER, behind_of
from ml.registry.tracking import Subject
from ml.registry.versions import KIND, Family, VersionInfo

BASELINE = "baseline"

_EVALUATION = "evaluation"


@dataclass(frozen=True, slots=True)
class Champion:
    """A verified, loaded version, and its scores by horizon; empty where it was never evaluated."""

    facts: TokenFacts
    forecaster: Forecaster
    model_name: str
    version: int
    scores: Mapping[int, Score] = field(default_factory=dict)
    behind: frozenset[int] = frozenset()
    """Horizons at which the global baseline lost less on the same days."""

    @property
    def info(self) -> VersionInfo:
        """Which version it is."""
        return VersionInfo.of(self.model_name, self.version, self.facts)

    def warm_up(self) -> None:
        """Forecast once from a price that stands still, so that the first real forecast is as fast as the next."""
        self.forecaster.quantiles(np.zeros((1, CONTEXT)))


def model_name(settings: Settings, token: Token) -> str | None:
    """The name of a token's registered model; None where none was made yet.

    Raises:
        RegistryUnavailable: MLflow does not answer.
    """
    with answers(settings.tracking_url):
        model = versions.find(client(settings), _identity(token))
    return None if model is None else str(model.name)


def family(token: Token) -> Family:
    """The models of one token."""
    symbol = "".join(letter if letter.isalnum() else "_" for letter in token.symbol)
    name = f"{symbol}-forecaster"
    return Family(
        (name, f"{name}-{token.id.hex[:8]}"),
        _identity(token),
        f"Forecasts of {token.name} for {', '.join(map(str, HORIZONS))} days; "
        f"`{CHAMPION}` serves, set by the evaluation alone.",
        flavours.CLOSES,
        {"symbol": token.symbol},
    )


def _identity(token: Token) -> dict[str, str]:
    return {KIND: FORECASTER, "token_id": str(token.id)}


def promote(settings: Settings, outcome: Evaluation) -> None:
    """Attach each version's figures to it, and set the aliases. The champion's alias moves last, in one step.

    Raises:
        RegistryUnavailable: MLflow does not answer; the alias is where it was.
    """
    with answers(settings.tracking_url):
        mlflow_client = client(settings)
        for algorithm in dict.fromkeys(score.algorithm for score in outcome.scores):
            version = _attach_figures(mlflow_client, outcome, algorithm)
            if algorithm == catalog.NAIVE:
                mlflow_client.set_registered_model_alias(outcome.model_name, BASELINE, version)
        tracking.log_files(mlflow_client, outcome.champion.run_id, outcome.plots, "evaluation")
        behind = ",".join(map(str, sorted(outcome.behind)))
        for tag, value in ((BEHIND, behind), (EVALUATED_AT, iso(outcome.evaluated_at))):
            mlflow_client.set_registered_model_tag(outcome.model_name, tag, value)
        mlflow_client.set_registered_model_alias(
            outcome.model_name, CHAMPION, str(outcome.champion.version)
        )


def _attach_figures(mlflow_client: MlflowClient, outcome: Evaluation, algorithm: str) -> str:
    """Show an algorithm's figures on its version: as metrics, card and tag. Returns the version's number."""
    scores = outcome.of(algorithm)
    version = str(scores[0].model_version)
    version_info = mlflow_client.get_model_version(outcome.model_name, version)
    data = tracking.closes_of(outcome.token), outcome.data_digest
    of = Subject(scores[0].run_id, versions.logged_model(version_info), *data)
    at_ms = int(outcome.evaluated_at.timestamp() * 1000)
    tracking.log_metrics(mlflow_client, of, _metrics(scores), at_ms)
    card = token_card.write(outcome.facts[algorithm], outcome.scores)
    token_card.keep(mlflow_client, version_info, scores[0].run_id, card)
    mlflow_client.set_model_version_tag(
        outcome.model_name, version, _EVALUATION, _scores_to_json(scores)
    )
    return version


def champion(settings: Settings, token: Token) -> Champion:
    """The token's champion, verified and loaded.

    Raises:
        NoChampion: no evaluated model is registered.
        RegistryUnavailable: MLflow does not answer.
        ArtifactRefused: its files are not what was registered, or its tags make no sense.
    """
    with answers(settings.tracking_url):
        model = versions.find(client(settings), _identity(token))
    if model is None or CHAMPION not in model.aliases:
        raise NoChampion(f"{token.symbol} has no evaluated model")
    loaded = load(settings, model.name, int(model.aliases[CHAMPION]))
    return replace(loaded, behind=behind_of(model))


def load(settings: Settings, name: str, version: int) -> Champion:
    """Fetch, verify and load one version.

    Raises:
        RegistryUnavailable: MLflow does not answer, or has no such version.
        ArtifactRefused: its files are not what was registered, or its figures are none.
    """
    stored, files = versions.fetch(settings, name, version)
    opened = artifact.unpack(files, versions.manifest_digest(stored))
    scores = _scores_from_json(stored)
    return Champion(opened.facts, opened.forecaster, name, version, scores)


def newest(settings: Settings, token: Token) -> list[TrainedModel]:
    """The newest version of each algorithm, verified; empty where none is registered.

    Raises:
        RegistryUnavailable: MLflow does not answer.
        ArtifactRefused: its files are not what was registered.
    """
    name = model_name(settings, token)
    if name is None:
        return []
    newest = newest_versions(settings, name)
    return [
        _trained(settings, token, name, newest[algorithm])
        for algorithm in catalog.ALGORITHMS
        if algorithm in newest
    ]


def newest_versions(settings: Settings, name: str) -> dict[str, int]:
    """The newest version of a registered model by algorithm."""
    with answers(settings.tracking_url):
        stored = client(settings).search_model_versions(
            f"name='{name}'", max_results=200, order_by=["version_number DESC"]
        )
    # Reversed, so that the newest of an algorithm is the one that stays.
    return {each.tags.get("algorithm", ""): int(each.version) for each in reversed(stored)}


def scores_of(settings: Settings, name: str, version: int) -> dict[int, Score]:
    """The figures of a version's last evaluation by horizon; empty where there was none."""
    with answers(settings.tracking_url):
        return _scores_from_json(client(settings).get_model_version(name, str(version)))


def _trained(settings: Settings, token: Token, name: str, version: int) -> TrainedModel:
    stored, files = versions.fetch(settings, name, version)
    facts = artifact.unpack(files, versions.manifest_digest(stored)).facts
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


def _metrics(scores: tuple[Score, ...]) -> dict[int, dict[str, float]]:
    names = ("pinball_loss", "mean_absolute_error", "skill_vs_naive", "coverage80", "coverage95")
    return {
        score.horizon_days: {f"test_{name}": getattr(score, name) for name in names}
        for score in scores
    }


def _scores_to_json(scores: tuple[Score, ...]) -> str:
    return json.dumps([asdict(score) for score in scores], default=str)


def _scores_from_json(version: ModelVersion) -> dict[int, Score]:
    try:
        return _scores(json.loads(version.tags.get(_EVALUATION, "[]")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactRefused(
            f"the tag `{_EVALUATION}` of {version.name} {version.version} holds no figures of ours"
        ) from error


def _scores(rows: list[dict[str, Any]]) -> dict[int, Score]:
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
