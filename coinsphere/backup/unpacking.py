"""Unpacks a base backup, and checks every digest, every seal and PostgreSQL's own manifest on the way."""

import tarfile
from pathlib import Path

from coinsphere.backup import files, tools
from coinsphere.backup.model import Backup
from coinsphere.backup.places import Place
from coinsphere.backup.sealing import SUFFIX, Seals
from coinsphere.errors import BackupError

_ARCHIVE = ".tar.gz"


def unpack(place: Place, seals: Seals, backup: Backup, folder: Path) -> Path:
    """Write a base backup as a data folder inside `folder`, and check it.

    Raises:
        BackupError: a part is missing, was changed, or cannot be opened; or PostgreSQL finds a file wrong.
    """
    data = folder / backup.id
    data.mkdir(mode=0o700)
    for part in backup.parts:
        sealed, plain = folder / part.name, folder / part.name.removesuffix(SUFFIX)
        place.get(backup.path(part.name), sealed)
        if files.digest_of(sealed) != part.sha256:
            raise BackupError(
                f"{backup.path(part.name)} at {place.name} is damaged: its SHA-256 is another."
            )
        seals.open(sealed, plain)
        sealed.unlink()
        _place(plain, data)
    tools.verify(data)
    return data


def _place(plain: Path, data: Path) -> None:
    """An archive is unpacked where it belongs; the manifest is moved; the settings stay outside."""
    if plain.name.endswith(_ARCHIVE):
        inner = data / "pg_wal" if plain.name == f"pg_wal{_ARCHIVE}" else data
        inner.mkdir(exist_ok=True)
        try:
            with tarfile.open(plain) as archive:
                archive.extractall(inner, filter="data")
        except (tarfile.TarError, OSError, EOFError) as error:
            raise BackupError(f"{plain.name} cannot be unpacked: {error}") from error
        plain.unlink()
    elif plain.name == "backup_manifest":
        plain.replace(data / plain.name)
