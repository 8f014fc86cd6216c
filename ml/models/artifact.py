"""A token's own model as files, which `ml.models.manifest` vouches for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from ml.errors import ArtifactRefused
from ml.models import catalog, manifest
from ml.models.interface import Forecaster
from ml.models.manifest import TrainingFacts


@dataclass(frozen=True, slots=True)
class TokenFacts(TrainingFacts):
    """What is known of a token's model.

    `held_out_from` is the first day of its training set that neither training nor calibration looked at: whatever a
    later evaluation scores begins there.
    """

    token_id: UUID
    symbol: str
    held_out_from: date


@dataclass(frozen=True, slots=True)
class Artifact:
    """A model that was verified and loaded."""

    facts: TokenFacts
    forecaster: Forecaster


def pack(forecaster: Forecaster, facts: TokenFacts) -> dict[str, bytes]:
    """The forecaster's files and their manifest."""
    return manifest.write(forecaster.files(), facts.to_json())


def unpack(files: Mapping[str, bytes], manifest_digest: str) -> Artifact:
    """Verify the files, and only then load the model.

    Args:
        files: all files of the model by name, the manifest among them.
        manifest_digest: SHA-256 of the manifest, from a place that whoever wrote the files cannot write to.

    Raises:
        ArtifactRefused: a file is missing, was altered, is not named in the manifest or is of a kind that is never
            loaded, or this version of the code cannot read it.
    """
    facts, digests = manifest.read(files, manifest_digest, TokenFacts.from_json)
    _check_names(facts.algorithm, digests)
    return Artifact(facts, _load(facts.algorithm, manifest.verified(files, digests)))


def _check_names(algorithm: str, digests: Mapping[str, str]) -> None:
    """Compare names with a fixed list: a path, a pickle or anything else is never opened."""
    allowed = catalog.FILES.get(algorithm)
    if allowed is None:
        raise ArtifactRefused(f"there is no algorithm {algorithm!r}")
    if set(digests) != allowed:
        raise ArtifactRefused(f"{algorithm} consists of {sorted(allowed)}, not {sorted(digests)}")


def _load(algorithm: str, files: Mapping[str, bytes]) -> Forecaster:
    try:
        return catalog.load(algorithm, files)
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactRefused(f"{algorithm} cannot be loaded: {error!r}") from error
