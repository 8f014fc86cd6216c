"""The folder of signing keys: a PEM file for each, and `keyring.json`, which tells their times."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from coinsphere.errors import ConfigurationError
from coinsphere.security import private_files, private_keys
from coinsphere.security.signing.keys import KeyRecord, SigningKey

MANIFEST = "keyring.json"


def records(folder: Path) -> list[KeyRecord]:
    """The entries of `keyring.json` for every key, revoked ones included. Raises ConfigurationError."""
    path = folder / MANIFEST
    try:
        return msgspec.json.decode(private_files.read(path), type=list[KeyRecord])
    except (FileNotFoundError, msgspec.DecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error


def make(
    folder: Path, algorithm: str, *, published_at: datetime, signs_from: datetime
) -> KeyRecord:
    """A new key in a file of its own; it counts once `keyring.json` names it."""
    private = private_keys.generate(algorithm)
    number = max((int(path.name[:4]) for path in folder.glob("[0-9]*-*.pem")), default=0) + 1
    path = folder / f"{number:04}-{algorithm}.pem"
    private_keys.write(path, private)
    return KeyRecord(
        kid=private_keys.thumbprint(private),
        algorithm=algorithm,
        file=path.name,
        published_at=published_at,
        signs_from=signs_from,
    )


def read(folder: Path, record: KeyRecord) -> SigningKey:
    """The key of a record. Raises ConfigurationError: it is missing, weak, readable by others or another."""
    path = folder / Path(record.file).name
    private = private_keys.read(path, record.algorithm)
    if private_keys.thumbprint(private) != record.kid:
        raise ConfigurationError(f"{path} is not the key {record.kid} of {MANIFEST}.")
    return SigningKey(record, private)


def store(folder: Path, every: Sequence[KeyRecord]) -> None:
    """Write `keyring.json`."""
    content = msgspec.json.format(msgspec.json.encode(by_time(every)), indent=2)
    private_files.write(folder / MANIFEST, content + b"\n")


def by_time(every: Sequence[KeyRecord]) -> list[KeyRecord]:
    """Records by the time at which they begin to sign."""
    return sorted(every, key=lambda record: (record.signs_from, record.file))


def version(manifest: Path) -> tuple[int, int, int]:
    """Changes whenever `keyring.json` is replaced. Raises ConfigurationError: it is missing."""
    try:
        status = manifest.stat()
    except FileNotFoundError as error:
        raise ConfigurationError(f"{manifest} is missing.") from error
    return status.st_ino, status.st_mtime_ns, status.st_size
