"""The keyring of a folder, which sees what other processes change."""

from datetime import datetime
from pathlib import Path

from coinsphere.errors import ConfigurationError
from coinsphere.security.signing import key_folder, keyrings, rotation
from coinsphere.security.signing.keyrings import FixedKeyring
from coinsphere.security.signing.keys import SigningKey


class FileKeyring:
    """The keys of a folder. A rotation by another process is seen at the next use, without a restart."""

    def __init__(self, folder: Path, algorithm: str = "RS256") -> None:
        """Read the keys; the first start makes one of `algorithm`.

        Raises:
            ConfigurationError: a key is weak, is readable by others, or does not fit its algorithm.
        """
        self.folder = folder
        # Looked at on each use: made once.
        self._manifest = folder / key_folder.MANIFEST
        if not self._manifest.exists():
            rotation.begin(folder, algorithm)
        self._seen = key_folder.version(self._manifest)
        self._keyring = keyrings.load(folder)

    def signing(self, now: datetime) -> SigningKey:
        """The key that signs at `now`."""
        return self._current().signing(now)

    def find(self, kid: object, now: datetime) -> SigningKey:
        """The key of that id, if it verifies at `now`. Raises LookupError."""
        return self._current().find(kid, now)

    def jwks(self, now: datetime) -> dict[str, list[dict[str, str]]]:
        """The public halves that verify at `now`, as a JSON Web Key Set."""
        return self._current().jwks(now)

    def _current(self) -> FixedKeyring:
        while (version := key_folder.version(self._manifest)) != self._seen:
            try:
                self._keyring, self._seen = keyrings.load(self.folder), version
            except ConfigurationError:
                # A file that the list still named may be gone since: then there is a new list.
                if version == key_folder.version(self._manifest):
                    raise
        return self._keyring
