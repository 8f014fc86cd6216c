"""What is known of a trained model, and the manifest that vouches for its files, of every family.

Nothing is parsed before its SHA-256 was compared. The manifest names every file with its digest, and the registry, which
lies in another store than the files, keeps the digest of the manifest. Whoever can change the files alone cannot make
anyone load them.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, ClassVar, Self, TypeVar
from uuid import UUID

from coinsphere.clock import iso
from ml.errors import ArtifactRefused

MANIFEST = "manifest.json"
FORMAT = 1
Facts = TypeVar("Facts")
_PARSERS: Mapping[Any, Callable[[str], Any]] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    UUID: UUID,
    str: str,
}


@dataclass(frozen=True, slots=True)
class TrainingFacts:
    """What is known of a model when it has been trained; a family adds what only it has.

    `data_cutoff` is the close of the last day that it was trained on.
    """

    NAMES: ClassVar[Mapping[str, str]] = {}
    """Fields that a manifest holds by another name."""

    algorithm: str
    run_id: str
    trained_at: datetime
    data_cutoff: datetime
    data_digest: str
    price_source: str
    code_version: str

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The facts that `to_json` wrote. Raises KeyError or ValueError if it did not."""
        texts = {field: str(value[cls.NAMES.get(field.name, field.name)]) for field in fields(cls)}
        return cls(**{field.name: _PARSERS[field.type](text) for field, text in texts.items()})

    def to_json(self) -> dict[str, str]:
        """The facts as JSON holds them."""
        values = {
            self.NAMES.get(field.name, field.name): getattr(self, field.name)
            for field in fields(self)
        }
        return {
            name: iso(value) if isinstance(value, datetime) else str(value)
            for name, value in values.items()
        }

    def provenance(self) -> dict[str, str]:
        """What it was made from and by, as tags of its run."""
        names = ("code_version", "data_digest", "price_source")
        return {name: getattr(self, name) for name in names}


def write(files: Mapping[str, bytes], facts: Mapping[str, Any]) -> dict[str, bytes]:
    """The files and their manifest, which holds `facts` beside their digests."""
    digests = {name: digest(content) for name, content in sorted(files.items())}
    manifest = {"format": FORMAT, **facts, "files": digests}
    return {**files, MANIFEST: json.dumps(manifest, indent=1).encode()}


def read(
    files: Mapping[str, bytes], manifest_digest: str, facts_of: Callable[[Any], Facts]
) -> tuple[Facts, dict[str, str]]:
    """The facts in a manifest and the digests of the files that it names; the files are not looked at.

    Args:
        files: all files of a version by name, the manifest among them.
        manifest_digest: SHA-256 of the manifest, from a place that whoever wrote the files cannot write to.
        facts_of: takes the facts out of the manifest.

    Raises:
        ArtifactRefused: it is missing, was altered, makes no sense, or this version of the code cannot read it.
    """
    compare(MANIFEST, files, manifest_digest)
    try:
        manifest = json.loads(files[MANIFEST])
        facts, digests = facts_of(manifest), dict(manifest["files"])
        readable = manifest["format"] == FORMAT
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactRefused(f"{MANIFEST} makes no sense: {error!r}") from error
    if not readable:
        raise ArtifactRefused(f"{MANIFEST} is of a format that this version does not read")
    return facts, digests


def verified(files: Mapping[str, bytes], digests: Mapping[str, str]) -> dict[str, bytes]:
    """The files that a manifest names, each compared with its digest.

    Raises:
        ArtifactRefused: one is missing, was altered or is not named in the manifest.
    """
    strangers = set(files) - set(digests) - {MANIFEST}
    if strangers:
        raise ArtifactRefused(f"not named in the manifest: {sorted(strangers)}")
    for name, expected in digests.items():
        compare(name, files, str(expected))
    return {name: files[name] for name in digests}


def digest(content: bytes) -> str:
    """SHA-256 of a file as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def compare(name: str, files: Mapping[str, bytes], expected: str) -> None:
    """Compare a file's SHA-256 with what it must be.

    Raises:
        ArtifactRefused: it is missing, or was altered.
    """
    if name not in files:
        raise ArtifactRefused(f"{name} is missing")
    if not hmac.compare_digest(digest(files[name]), expected):
        raise ArtifactRefused(f"{name} is not the file that was registered: its SHA-256 differs")
