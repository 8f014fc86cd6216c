"""The global model in MLflow: one registered model, whose aliases say which version serves at which horizon.

`champion-1d` to `champion-30d` serve, set by the gates alone, and `champion` is that of the shortest horizon; `challenger`
forecasts in their shadow; `baseline` serves where no champion stands. An alias goes when somebody deletes its version, so
tags of the registered model keep which version should serve: a champion that is gone is told apart from one that never
was.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pandas as pd
from mlflow import MlflowClient
from mlflow.entities.model_registry import RegisteredModel
from mlflow.exceptions import MlflowException

from coinsphere import log
from coinsphere.settings import Settings
from ml.data.horizons import HORIZONS
from ml.errors import ArtifactRefused
from ml.registry import flavours, tags, validation, versions
from ml.registry.global_version import NAME, GlobalFacts, GlobalVersion, unpack
from ml.registry.mlflow_client import answers, client, is_missing
from ml.registry.versions import KIND, Family, NewVersion, Version, VersionInfo

_log = log.get("ml.registry.global_registry")

CHALLENGER = "challenger"
BASELINE = "baseline"
CHAMPION = "champion"
"""For whoever loads a champion and asks for no horizon."""
_FORMERLY = "coinsphere-scale"
_FAMILY = Family(
    (NAME,),
    {KIND: NAME},
    f"Distributions of all tokens for {', '.join(map(str, HORIZONS))} days. `champion-1d` and its like serve at their "
    f"horizon, set by the gates alone, and `{CHAMPION}` is that of the shortest; `{CHALLENGER}` forecasts in their "
    f"shadow; `{BASELINE}` serves where none stands.",
    flavours.CANDLES,
)


@dataclass(frozen=True, slots=True)
class Serving:
    """Which versions serve, by number.

    Attributes:
        champions: by horizon, where one serves.
        baseline: serves where no champion stands; None before the first training.
        challenger: forecasts in the shadow.
        lost: by horizon, a champion whose version was deleted in MLflow or whose alias was taken away by hand.
        returned: by horizon, a champion that was taken back as it did worse than the random walk.
    """

    champions: Mapping[int, int] = field(default_factory=dict)
    baseline: int | None = None
    challenger: int | None = None
    lost: Mapping[int, int] = field(default_factory=dict)
    returned: Mapping[int, int] = field(default_factory=dict)

    def version(self, horizon: int) -> int | None:
        """The champion of the horizon, else the baseline."""
        return self.champions.get(horizon, self.baseline)

    @property
    def versions(self) -> tuple[int, ...]:
        """All that serve at a horizon, ascending."""
        named = {self.version(horizon) for horizon in HORIZONS}
        return tuple(sorted(version for version in named if version is not None))

    @property
    def forecasting(self) -> tuple[int, ...]:
        """All that forecast, be it in the shadow, ascending."""
        others = filter(None, (self.baseline, self.challenger))
        return tuple(sorted({*self.versions, *others}))


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A verified, loaded version."""

    number: int
    version: GlobalVersion

    @property
    def info(self) -> VersionInfo:
        """Which version it is."""
        facts = self.version.facts
        return VersionInfo.of(NAME, self.number, facts, facts.dagster_run_id)


def register(
    mlflow_client: MlflowClient,
    facts: GlobalFacts,
    files: Mapping[str, bytes],
    example: pd.DataFrame,
    parameters: Mapping[str, object],
) -> Version:
    """Make the files the newest version; it serves nobody yet."""
    _registered(mlflow_client)
    version_tags = {"dagster_run_id": facts.dagster_run_id, **validation.tags(facts)}
    new_version = NewVersion(facts.algorithm, facts, files, example, parameters, version_tags)
    return versions.register(mlflow_client, _FAMILY, new_version)


def serving(settings: Settings) -> Serving:
    """Which versions serve; nothing does where nothing was ever registered.

    Raises:
        RegistryUnavailable: MLflow does not answer.
    """
    with answers(settings.tracking_url):
        model = _registered(client(settings))
    if model is None:
        return Serving()
    champions = _by_horizon(model.aliases, champion_alias)
    chosen = _told(model.tags, _chosen_tag)
    return Serving(
        champions,
        _number(model.aliases.get(BASELINE)),
        _number(model.aliases.get(CHALLENGER)),
        {horizon: version for horizon, version in chosen.items() if horizon not in champions},
        _told(model.tags, _returned_tag),
    )


def _registered(mlflow_client: MlflowClient) -> RegisteredModel | None:
    """The registered model under its name of today; one of an earlier system is renamed."""
    for name in (NAME, _FORMERLY):
        try:
            model = mlflow_client.get_registered_model(name)
        except MlflowException as error:
            if not is_missing(error):
                raise
            continue
        if name == _FORMERLY:
            mlflow_client.set_registered_model_tag(name, KIND, NAME)
            mlflow_client.rename_registered_model(name, NAME)
        return model
    return None


def champion_alias(horizon: int) -> str:
    """The alias of the version that serves at a horizon."""
    return f"champion-{horizon}d"


def let_serve(settings: Settings, horizon: int, version: int) -> None:
    """Let the version serve at the horizon from now on.

    Raises:
        RegistryUnavailable: MLflow does not answer; who served before may serve on.
    """
    with answers(settings.tracking_url):
        mlflow_client = client(settings)
        mlflow_client.set_registered_model_tag(NAME, _chosen_tag(horizon), str(version))
        mlflow_client.set_registered_model_alias(NAME, champion_alias(horizon), str(version))
        _forget(mlflow_client, _returned_tag(horizon))
        _name_champion(mlflow_client)


def take_back(settings: Settings, horizon: int, version: int) -> None:
    """Remove the champion's alias at the horizon; the next rung of the ladder serves there.

    Raises:
        RegistryUnavailable: MLflow does not answer.
    """
    with answers(settings.tracking_url):
        mlflow_client = client(settings)
        mlflow_client.set_registered_model_tag(NAME, _returned_tag(horizon), str(version))
        _forget(mlflow_client, _chosen_tag(horizon))
        mlflow_client.delete_registered_model_alias(NAME, champion_alias(horizon))
        _name_champion(mlflow_client)


def set_alias(settings: Settings, alias: str, version: int) -> None:
    """Let `BASELINE` or `CHALLENGER` name the version, in one step.

    Raises:
        RegistryUnavailable: MLflow does not answer; the alias is where it was.
    """
    with answers(settings.tracking_url):
        client(settings).set_registered_model_alias(NAME, alias, str(version))


def standing(settings: Settings, serving: Serving, now: datetime) -> dict[int, int]:
    """The champions by horizon, without those whose data is too old to serve.

    Raises:
        RegistryUnavailable: MLflow does not answer.
    """
    oldest = now - timedelta(days=settings.ml_baseline_days)
    champions = set(serving.champions.values())
    fresh = {
        version for version in champions if validation.learned_after(settings, version, oldest)
    }
    return {horizon: version for horizon, version in serving.champions.items() if version in fresh}


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
    stored, files = versions.fetch(settings, NAME, version)
    return Loaded(version, unpack(files, versions.manifest_digest(stored)))


def load_all(settings: Settings, numbers: Iterable[int]) -> list[Loaded]:
    """Versions in this order, less those whose files are refused.

    Raises:
        RegistryUnavailable: MLflow does not answer, or has no such version.
    """
    loaded = []
    for number in numbers:
        try:
            loaded.append(load(settings, number))
        except ArtifactRefused as reason:
            _log.error("model_refused", version=number, reason=str(reason))
    return loaded


def champions(settings: Settings, serving: Serving) -> dict[int, Loaded]:
    """The champions by horizon; one whose files are refused is left out, so that a challenger may take its place.

    Raises:
        RegistryUnavailable: MLflow does not answer.
    """
    loaded = {each.number: each for each in load_all(settings, set(serving.champions.values()))}
    return {at: loaded[each] for at, each in serving.champions.items() if each in loaded}


def _by_horizon(named: Mapping[str, str | int], name_of: Callable[[int], str]) -> dict[int, int]:
    """The versions that names of horizons carry."""
    return {
        horizon: int(named[name]) for horizon in HORIZONS if (name := name_of(horizon)) in named
    }


def _told(named: Mapping[str, str], name_of: Callable[[int], str]) -> dict[int, int]:
    """The versions that tags of horizons name; one that makes no sense is logged and says nothing of the others."""
    of_horizon = {}
    for horizon in HORIZONS:
        try:
            if name_of(horizon) in named:
                of_horizon[horizon] = tags.version(named, name_of(horizon))
        except ArtifactRefused as error:
            _log.error("tag_unreadable", horizon=horizon, reason=str(error))
    return of_horizon


def _chosen_tag(horizon: int) -> str:
    return f"serves-{horizon}d"


def _returned_tag(horizon: int) -> str:
    return f"returned-{horizon}d"


def _name_champion(mlflow_client: MlflowClient) -> None:
    """Let `CHAMPION` be the champion of the shortest horizon, or nobody."""
    aliases = mlflow_client.get_registered_model(NAME).aliases
    champions = _by_horizon(aliases, champion_alias)
    if champions:
        newest = str(champions[min(champions)])
        mlflow_client.set_registered_model_alias(NAME, CHAMPION, newest)
    elif CHAMPION in aliases:
        mlflow_client.delete_registered_model_alias(NAME, CHAMPION)


def _number(version: str | int | None) -> int | None:
    return None if version is None else int(version)


def _forget(mlflow_client: MlflowClient, tag: str) -> None:
    """Remove a tag of the registered model, which may have none of that name."""
    if tag in mlflow_client.get_registered_model(NAME).tags:
        mlflow_client.delete_registered_model_tag(NAME, tag)
