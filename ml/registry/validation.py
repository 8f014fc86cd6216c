"""Whether a version of the global model passed its gates and at which horizons, as tags of the version in MLflow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from coinsphere import log
from coinsphere.clock import iso
from coinsphere.settings import Settings
from ml.errors import ArtifactRefused
from ml.registry import tags as registry_tags
from ml.registry.global_version import NAME, GlobalFacts
from ml.registry.mlflow_client import answers, client

_log = log.get("ml.registry.validation")

_GATE_REPORT = "gate_report_id"
_STATUS = "validation_status"
_PASSED_HORIZONS = "passed_horizons"
_DATA_CUTOFF = "data_cutoff"
PENDING, PASSED, REFUSED, VETOED = "pending", "passed", "refused", "vetoed"


@dataclass(frozen=True, slots=True)
class Registered:
    """A version as the registry knows it, without its files."""

    version: int
    model: str
    gate_report_id: str | None
    status: str
    """`PENDING`, `PASSED` (at one horizon at least), `REFUSED` or `VETOED`."""
    horizons: tuple[int, ...]
    """At which it passed its gates and was not vetoed since."""
    data_cutoff: datetime
    """Close of the last day that it learned from."""


def tags(facts: GlobalFacts) -> Mapping[str, str]:
    """Those of a version that was not judged yet."""
    return {_STATUS: PENDING, _DATA_CUTOFF: iso(facts.data_cutoff)}


def record_verdict(
    settings: Settings, version: int, horizons: Sequence[int], report_id: str
) -> None:
    """Say on the version at which horizons it passed and where the report is."""
    _judge(settings, version, PASSED if horizons else REFUSED, horizons)
    with answers(settings.tracking_url):
        client(settings).set_model_version_tag(NAME, str(version), _GATE_REPORT, report_id)


def veto(settings: Settings, version: int, horizons: Sequence[int]) -> None:
    """Keep the version from some of the horizons at which it had passed, for ever.

    Raises:
        RegistryUnavailable: MLflow does not answer, or has no such version.
    """
    kept = [each for each in _passed(settings, version) if each not in horizons]
    _judge(settings, version, PASSED if kept else VETOED, kept)


def learned_after(settings: Settings, version: int, moment: datetime) -> bool:
    """Whether the version learned from days after a moment; not where its tags make no sense.

    Raises:
        RegistryUnavailable: MLflow does not answer, or has no such version.
    """
    try:
        return registered(settings, version).data_cutoff > moment
    except ArtifactRefused as error:
        _log.error("model_unreadable", version=version, reason=str(error))
        return False


def _passed(settings: Settings, version: int) -> tuple[int, ...]:
    """At which horizons the version passed; none where its tags make no sense."""
    try:
        return registered(settings, version).horizons
    except ArtifactRefused as error:
        _log.error("model_unreadable", version=version, reason=str(error))
        return ()


def _judge(settings: Settings, version: int, status: str, horizons: Sequence[int]) -> None:
    with answers(settings.tracking_url):
        mlflow_client = client(settings)
        text = ",".join(map(str, horizons))
        mlflow_client.set_model_version_tag(NAME, str(version), _PASSED_HORIZONS, text)
        mlflow_client.set_model_version_tag(NAME, str(version), _STATUS, status)


def registered(settings: Settings, version: int) -> Registered:
    """The version as the registry knows it.

    Raises:
        RegistryUnavailable: MLflow does not answer, or has no such version.
        ArtifactRefused: its tags make no sense.
    """
    with answers(settings.tracking_url):
        stored = client(settings).get_model_version(NAME, str(version))
    return Registered(
        int(stored.version),
        str(stored.tags.get("algorithm", "")),
        stored.tags.get(_GATE_REPORT),
        str(stored.tags.get(_STATUS, PENDING)),
        registry_tags.horizons(stored.tags, _PASSED_HORIZONS),
        registry_tags.moment(stored.tags, _DATA_CUTOFF),
    )
