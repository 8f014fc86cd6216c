"""A keyring: the key that signs at an instant, and those that verify."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from coinsphere.errors import ConfigurationError
from coinsphere.security.signing import key_folder
from coinsphere.security.signing.keys import SKEW, KeyState, SigningKey


class Keyring(Protocol):
    """The keys that sign and verify access tokens."""

    def signing(self, now: datetime) -> SigningKey:
        """The key that signs at `now`."""
        ...

    def find(self, kid: object, now: datetime) -> SigningKey:
        """The key of that id, if it verifies at `now`. Raises LookupError."""
        ...

    def jwks(self, now: datetime) -> dict[str, list[dict[str, str]]]:
        """The public halves that verify at `now`, as a JSON Web Key Set."""
        ...


@dataclass(frozen=True, slots=True)
class FixedKeyring:
    """Keys as they were at one moment, by the time at which they begin to sign."""

    keys: tuple[SigningKey, ...]

    def signing(self, now: datetime) -> SigningKey:
        """The key that signs at `now`: the last that has begun to."""
        begun = [key for key in self.keys if key.record.signs_from <= now]
        return begun[-1] if begun else self.keys[0]

    def find(self, kid: object, now: datetime) -> SigningKey:
        """The key of that id, if it verifies at `now`. Raises LookupError."""
        for key in self._verifying(now):
            if key.kid == kid:
                return key
        raise LookupError("unknown key id")

    def jwks(self, now: datetime) -> dict[str, list[dict[str, str]]]:
        """The public halves that verify at `now`, as a JSON Web Key Set."""
        return {"keys": [key.jwk for key in self._verifying(now)]}

    def _verifying(self, now: datetime) -> list[SigningKey]:
        # One that is published soon verifies already: the clock that signs may be ahead of ours.
        return [
            key
            for key in self.keys
            if key.record.state(now) is not KeyState.EXPIRED
            and key.record.published_at <= now + SKEW
        ]


def load(folder: Path) -> FixedKeyring:
    """The keys of `folder` that are not revoked.

    Raises:
        ConfigurationError: `keyring.json` or a key is missing, weak, readable by others or wrong.
    """
    usable = [record for record in key_folder.records(folder) if record.revoked_at is None]
    if not usable:
        raise ConfigurationError(f"{folder / key_folder.MANIFEST} names no key that may be used.")
    return FixedKeyring(
        tuple(key_folder.read(folder, record) for record in key_folder.by_time(usable))
    )
