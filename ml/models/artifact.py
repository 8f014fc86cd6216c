"""A model's files and the manifest that vouches for them. Nothing is parsed before its SHA-256 was compared.

The manifest names every file with its digest, and the registry, which lies in another store than the files, keeps the
digest of the manifest. Whoever can change the files alone cannot make anyone load them.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from coinsphere.clock import iso
from ml.errors import ArtifactRefused
from ml.models import catalog
from ml.models.interface import Forecaster

MANIFEST = "manifest.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a model when it has been trained.

    `data_cutoff` is the close of the last day of its training set, `held_out_from` the first day of that set which
    neither training nor calibration looked at: whatever a later evaluation scores begins there.
    """

    algorithm: str
    token_id: UUID
    symbol: str
    run_id: str
    trained_at: datetime
    data_cutoff: datetime
    held_out_from: date
    data_digest: str
    price_source: str
    code_version: str

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The facts that `to_json` wrote. Raises KeyError or ValueError if it did not."""
        texts = {name: str(value[name]) for name in cls.__dataclass_fields__}
        instants = {
            name: datetime.fromisoformat(texts.pop(name)) for name in ("trained_at", "data_cutoff")
        }
        token_id, held_out = (
            UUID(texts.pop("token_id")),
            date.fromisoformat(texts.pop("held_out_from")),
        )
        return cls(token_id=token_id, held_out_from=held_out, **texts, **instants)  # type: ignore[arg-type]  # the rest are texts

    def to_json(self) -> dict[str, str]:
        """The facts as JSON holds them."""
        return {
            name: iso(value) if isinstance(value, datetime) else str(value)
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True, slots=True)
class Artifact:
    """A model that was verified and loaded."""

    facts: Facts
    forecaster: Forecaster


def pack(forecaster: Forecaster, facts: Facts) -> dict[str, bytes]:
    """The forecaster's files and their manifest."""
    files = forecaster.files()
    manifest = {
        "format": FORMAT,
        **facts.to_json(),
        "files": {name: digest(content) for name, content in sorted(files.items())},
    }
    return {**files, MANIFEST: json.dumps(manifest, indent=1).encode()}


def unpack(files: Mapping[str, bytes], manifest_digest: str) -> Artifact:
    """Verify the files, and only then load the model.

    Args:
        files: all files of the model by name, the manifest among them.
        manifest_digest: SHA-256 of the manifest, from a place that whoever wrote the files cannot write to.

    Raises:
        ArtifactRefused: a file is missing, was altered, is not named in the manifest or is of a kind that is never
            loaded, or this version of the code cannot read it.
    """
    compare(MANIFEST, files, manifest_digest)
    try:
        manifest = json.loads(files[MANIFEST])
        facts, digests = Facts.from_json(manifest), dict(manifest["files"])
        readable = manifest["format"] == FORMAT
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactRefused(f"{MANIFEST} makes no sense: {error!r}") from error
    if not readable:
        raise ArtifactRefused(f"{MANIFEST} is of a format that this version does not read")
    _verify(facts.algorithm, digests, files)
    return Artifact(facts, _load(facts.algorithm, {name: files[name] for name in digests}))


def digest(content: bytes) -> str:
    """SHA-256 of a file as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def _verify(algorithm: str, digests: Mapping[str, str], files: Mapping[str, bytes]) -> None:
    allowed = catalog.FILES.get(algorithm)
    if allowed is None:
        raise ArtifactRefused(f"there is no algorithm {algorithm!r}")
    # Names are compared with a fixed list: a path, a pickle or anything else is never opened.
    if set(digests) != allowed:
        raise ArtifactRefused(f"{algorithm} consists of {sorted(allowed)}, not {sorted(digests)}")
    strangers = set(files) - allowed - {MANIFEST}
    if strangers:
        raise ArtifactRefused(f"not named in the manifest: {sorted(strangers)}")
    for name, expected in digests.items():
        compare(name, files, str(expected))


def compare(name: str, files: Mapping[str, bytes], expected: str) -> None:
    """Compare a file's SHA-256 with what it must be.

    Raises:
        ArtifactRefused: it is missing, or was altered.
    """
    if name not in files:
        raise ArtifactRefused(f"{name} is missing")
    if not hmac.compare_digest(digest(files[name]), expected):
        raise ArtifactRefused(f"{name} is not the file that was registered: its SHA-256 differs")


def _load(algorithm: str, files: Mapping[str, bytes]) -> Forecaster:
    try:
        return catalog.load(algorithm, files)
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactRefused(f"{algorithm} cannot be loaded: {error!r}") from error
