"""What stands in MLflow of all tokens' models: who has a champion, who lost it, and what makes no sense."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from mlflow import MlflowClient
from mlflow.entities.model_registry import RegisteredModel

from coinsphere.settings import Settings
from ml.errors import ArtifactRefused
from ml.registry import tags
from ml.registry.mlflow_client import answers, client
from ml.registry.versions import KIND

CHAMPION = "champion"
EVALUATED_AT = "evaluated_at"
BEHIND = "behind_baseline_at_days"
FORECASTER = "forecaster"


@dataclass(frozen=True, slots=True)
class Promotion:
    """Which version of a registered model serves, since which evaluation."""

    model_name: str
    version: int
    evaluated_at: str
    token_id: UUID
    behind: frozenset[int]
    """Horizons at which the global baseline lost less on the same days."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The registered models of all tokens.

    Attributes:
        promotions: those that have a champion.
        lost: by token, why one that was evaluated has no champion that can be served, and how it comes back.
        unreadable: by model, why what MLflow says of it makes no sense.
    """

    promotions: tuple[Promotion, ...]
    lost: Mapping[UUID, str]
    unreadable: Mapping[str, str]


def listing(settings: Settings) -> Listing:
    """What stands in the registry, without the models' files; what makes no sense of one token says nothing of others.

    Raises:
        RegistryUnavailable: MLflow does not answer.
    """
    promotions, lost, unreadable = [], {}, {}
    with answers(settings.tracking_url):
        for model in _registered_models(client(settings)):
            try:
                token_id = UUID(model.tags["token_id"])
                if CHAMPION in model.aliases:
                    promotions.append(_promotion(model, token_id))
                elif EVALUATED_AT in model.tags:
                    lost[token_id] = _what_is_lost(model)
            except ArtifactRefused as error:
                unreadable[model.name] = str(error)
                lost[token_id] = f"{model.name} cannot be used: {error}"
            except (KeyError, ValueError, TypeError) as error:
                unreadable[model.name] = f"{type(error).__name__}: {error}"
    return Listing(tuple(promotions), lost, unreadable)


def _promotion(model: RegisteredModel, token_id: UUID) -> Promotion:
    version, evaluated_at = int(model.aliases[CHAMPION]), model.tags.get(EVALUATED_AT, "")
    return Promotion(model.name, version, evaluated_at, token_id, behind_of(model))


def behind_of(model: RegisteredModel) -> frozenset[int]:
    """The horizons at which a registered model's tag says that the baseline lost less. Raises ArtifactRefused."""
    return frozenset(tags.horizons(model.tags, BEHIND))


def _what_is_lost(model: RegisteredModel) -> str:
    """MLflow forgets an alias when its version is deleted."""
    return (
        f"the alias `{CHAMPION}` of {model.name} is gone; "
        f"`coinsphere ml evaluate {model.tags['symbol']}` sets it anew"
    )


def promotions(settings: Settings) -> tuple[Promotion, ...]:
    """The champions of all registered models, without their files.

    Raises:
        RegistryUnavailable: MLflow does not answer.
    """
    return listing(settings).promotions


def _registered_models(mlflow_client: MlflowClient) -> Iterator[RegisteredModel]:
    page, token = None, None
    while page is None or token:
        page = mlflow_client.search_registered_models(
            f"tags.{KIND} = '{FORECASTER}'", max_results=500, page_token=token
        )
        token = page.token
        yield from page
