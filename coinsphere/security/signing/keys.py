"""A key that signs access tokens, with the times between which it signs and verifies."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from coinsphere.security import private_keys

JWKS_MAX_AGE = timedelta(minutes=5)
"""How long others may cache the JWKS; a key is published so long before it signs."""
SKEW = timedelta(seconds=30)
"""The clocks of our machines differ by less than this."""
LONGEST_TOKEN = timedelta(hours=1)
"""No access token lives longer, whatever the settings were when it was signed."""


class KeyState(StrEnum):
    """The uses that a key is allowed at an instant."""

    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"
    EXPIRED = "expired"
    REVOKED = "revoked"


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The entry of a key in `keyring.json`; `file` lies beside it. None: not decided yet."""

    kid: str
    algorithm: str
    file: str
    published_at: datetime
    signs_from: datetime
    signs_until: datetime | None = None
    verifies_until: datetime | None = None
    revoked_at: datetime | None = None

    def state(self, now: datetime) -> KeyState:
        """What the key may be used for at `now`."""
        if self.revoked_at is not None:
            return KeyState.REVOKED
        if self.verifies_until is not None and now >= self.verifies_until:
            return KeyState.EXPIRED
        if self.signs_until is not None and now >= self.signs_until:
            return KeyState.RETIRED
        return KeyState.NEXT if now < self.signs_from else KeyState.ACTIVE


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its one algorithm and its times."""

    record: KeyRecord
    private: private_keys.PrivateKey = field(repr=False)

    @property
    def kid(self) -> str:
        """The key's id: its RFC 7638 thumbprint."""
        return self.record.kid

    @property
    def algorithm(self) -> str:
        """The only algorithm that the key is used with."""
        return self.record.algorithm

    @property
    def public(self) -> Any:
        """The half that verifies."""
        return self.private.public_key()

    @property
    def jwk(self) -> dict[str, str]:
        """The public half as a JSON Web Key."""
        return {
            **private_keys.members(self.private),
            "use": "sig",
            "alg": self.algorithm,
            "kid": self.kid,
        }

    def may_have_signed(self, moment: datetime) -> bool:
        """Whether the key signed at `moment`, within the skew of clocks."""
        until = self.record.signs_until
        return self.record.signs_from - SKEW <= moment and (until is None or moment < until + SKEW)
