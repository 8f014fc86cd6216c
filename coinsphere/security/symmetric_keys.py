"""256-bit keys in a folder, one file each: they wrap data keys, or seal the audit log.

The newest key is used for what is new; the older ones stay for what they once sealed. The first use makes one. A key
file never changes, so the list of names says whether a running process has seen all of them.
"""

import base64
import binascii
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from coinsphere.errors import ConfigurationError, UnknownKey
from coinsphere.security import private_files

KEY_BYTES = 32
ID_BYTES = 8
_NAME = re.compile(r"(\d{4})-([0-9a-f]{16})\.key")


@dataclass(frozen=True, slots=True)
class SymmetricKey:
    """A key and its random id, which says nothing of the key."""

    kid: str
    secret: bytes = field(repr=False)


class SymmetricKeys:
    """The keys of one folder, oldest first. Each call looks whether a key was added or removed meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: tuple[str, ...] = ()
        self._keys: dict[str, SymmetricKey] = {}

    @property
    def active(self) -> SymmetricKey:
        """The newest key; the very first call makes it.

        Raises:
            ConfigurationError: a file can be read by others, or is no key.
        """
        keys = self._current() or self._first()
        return next(reversed(keys.values()))

    def find(self, kid: str) -> SymmetricKey:
        """The key of that id.

        Raises:
            UnknownKey: the folder holds no such key.
        """
        try:
            return self._current()[kid]
        except KeyError:
            raise UnknownKey(f"{self.folder} holds no key {kid}.") from None

    def all(self) -> list[SymmetricKey]:
        """Every key, oldest first."""
        return list(self._current().values())

    def add(self) -> SymmetricKey:
        """Make a key; it is the active one from now on, in every process."""
        with private_files.locked(self.folder):
            return self._make()

    def remove(self, kid: str) -> None:
        """Destroy a key; what it sealed can never be opened again.

        Raises:
            UnknownKey: the folder holds no such key.
            ConfigurationError: it is the active one.
        """
        with private_files.locked(self.folder):
            key = self.find(kid)
            if key == self.active:
                raise ConfigurationError(f"{kid} is the key in use: rotate first.")
            name = next(name for name in self._names() if kid in name)
            (self.folder / name).unlink()
            private_files.sync(self.folder)

    def _first(self) -> dict[str, SymmetricKey]:
        with private_files.locked(self.folder):
            if not self._current():
                self._make()
        return self._current()

    def _make(self) -> SymmetricKey:
        key = SymmetricKey(secrets.token_hex(ID_BYTES), secrets.token_bytes(KEY_BYTES))
        number = max((int(name[:4]) for name in self._names()), default=0) + 1
        path = self.folder / f"{number:04}-{key.kid}.key"
        private_files.write(path, base64.b64encode(key.secret) + b"\n")
        return key

    def _names(self) -> Iterable[str]:
        try:
            with os.scandir(self.folder) as entries:
                return sorted(entry.name for entry in entries if _NAME.fullmatch(entry.name))
        except FileNotFoundError:
            return []

    def _current(self) -> dict[str, SymmetricKey]:
        names = tuple(self._names())
        if names != self._seen:
            keys = [_read(self.folder / name) for name in names]
            self._keys = {key.kid: key for key in keys}
            self._seen = names
        return self._keys


def _read(path: Path) -> SymmetricKey:
    try:
        secret = base64.b64decode(private_files.read(path).strip(), validate=True)
    except binascii.Error as error:
        raise ConfigurationError(f"{path} is no key: {error}") from error
    if len(secret) != KEY_BYTES:
        raise ConfigurationError(f"{path} holds {len(secret)} bytes; a key has {KEY_BYTES}.")
    return SymmetricKey(path.stem.partition("-")[2], secret)
