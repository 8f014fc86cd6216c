"""Request and response bodies of `/api-keys`."""

import base64
import binascii
import ipaddress
from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from webapi.api_keys.scopes import KeyScope
from webapi.http.schema import Input, Instant, Line, Name, Output

PUBLIC_KEY_BYTES = 32
MAX_OVERLAP_SECONDS = 7 * 24 * 3600


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError("is no address or network such as 203.0.113.0/24") from None


def _public_key(text: str) -> str:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != PUBLIC_KEY_BYTES:
        raise ValueError("must be the 32 bytes of an Ed25519 public key in base64")
    return text


Network = Annotated[Line, StringConstraints(max_length=50), AfterValidator(_network)]
PublicKey = Annotated[Line, StringConstraints(max_length=64), AfterValidator(_public_key)]


class KeyIn(Input):
    """A new key."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "Spreadsheet",
                "scopes": ["market:read", "portfolios:read"],
                "allowedNetworks": ["203.0.113.0/24"],
                "expiresAt": "2027-11-24T00:00:00Z",
            }
        }
    )

    name: Name
    scopes: tuple[KeyScope, ...] = Field(min_length=1, max_length=len(KeyScope))
    allowed_networks: tuple[Network, ...] = Field(
        (), max_length=20, description="Addresses the key may be used from; empty: all."
    )
    expires_at: Instant | None = None
    public_key: PublicKey | None = Field(
        None,
        description="Ed25519, base64. With it every request of the key must be signed (RFC 9421); `exchanges:write` "
        "and `payouts:write` need it.",
    )


class RotateIn(Input):
    """How long the old key lives on; the body may be left out."""

    model_config = ConfigDict(json_schema_extra={"example": {"overlapSeconds": 86400}})
    body_optional: ClassVar[bool] = True

    overlap_seconds: int = Field(24 * 3600, ge=0, le=MAX_OVERLAP_SECONDS, strict=True)


class KeyOut(Output):
    """A key, without the key itself."""

    id: UUID
    name: str
    prefix: str = Field(description="How the key begins, to tell it from others.")
    scopes: list[str]
    allowed_networks: list[str]
    is_signed: bool = Field(description="Whether its requests must be signed.")
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")
    last_used_from: str | None
    rotated_from: UUID | None = Field(description="The key that this one takes the place of.")


_KEY: dict[str, Any] = {
    "id": "0d9f7d52-7b5a-4b3e-8f0c-2f1a4f4b6c1d",
    "name": "Spreadsheet",
    "prefix": "cs_live_Zk3v1Q",
    "scopes": ["market:read", "portfolios:read"],
    "allowedNetworks": ["203.0.113.0/24"],
    "isSigned": False,
    "createdAt": "2026-11-24T08:00:00Z",
    "expiresAt": "2027-11-24T00:00:00Z",
    "lastUsedAt": None,
    "lastUsedFrom": None,
    "rotatedFrom": None,
}


class KeysOut(Output):
    """One's live keys, newest first."""

    model_config = ConfigDict(json_schema_extra={"example": {"apiKeys": [_KEY]}})

    api_keys: list[KeyOut]


class NewKeyOut(Output):
    """A new key. `key` is shown this once and stored nowhere."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"apiKey": _KEY, "key": "cs_live_Zk3v1Qb0…"}}
    )

    api_key: KeyOut
    key: str
