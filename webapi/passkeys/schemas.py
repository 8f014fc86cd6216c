"""Request and response bodies of `/passkeys`."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from webapi.http.schema import Input, Name, Output

_CREDENTIAL: dict[str, Any] = {
    "id": "mRb5k…",
    "rawId": "mRb5k…",
    "type": "public-key",
    "response": {"clientDataJSON": "eyJ0e…", "authenticatorData": "SZYN5…", "signature": "MEUCI…"},
}
_PASSKEY: dict[str, Any] = {
    "id": "0f6c0b52-8f0e-4f54-9d52-0a5c1f6f4e11",
    "name": "Ada's phone",
    "isBackedUp": True,
    "createdAt": "2026-11-24T08:00:00Z",
    "lastUsedAt": None,
}


class AssertionIn(Input):
    """An authenticator's answer to a challenge."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "challengeId": "4e1b0a1e-0f3b-4f58-8f2e-6a7a8fb0c1d2",
                "credential": _CREDENTIAL,
            }
        }
    )

    challenge_id: UUID
    credential: dict[str, Any] = Field(
        description="What `navigator.credentials` gave, by its `toJSON()`."
    )


class RegistrationIn(AssertionIn):
    """A new passkey, as an authenticator made it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "challengeId": "4e1b0a1e-0f3b-4f58-8f2e-6a7a8fb0c1d2",
                "credential": _CREDENTIAL,
                "name": "Ada's phone",
            }
        }
    )

    name: Name = Field(description="By which its owner knows it.")


class ChallengeOut(Output):
    """What an authenticator is to be asked."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "challengeId": "4e1b0a1e-0f3b-4f58-8f2e-6a7a8fb0c1d2",
                "options": {"challenge": "Yx0k…", "rpId": "example.com"},
            }
        }
    )

    challenge_id: UUID
    options: dict[str, Any] = Field(
        description="For `navigator.credentials`, by `PublicKeyCredential.parse…OptionsFromJSON`."
    )


class PasskeyOut(Output):
    """A passkey."""

    model_config = ConfigDict(json_schema_extra={"example": _PASSKEY})

    id: UUID
    name: str
    is_backed_up: bool = Field(description="Whether its keeper copies it to other devices.")
    created_at: datetime
    last_used_at: datetime | None


class PasskeysOut(Output):
    """The account's passkeys."""

    model_config = ConfigDict(json_schema_extra={"example": {"passkeys": [_PASSKEY]}})

    passkeys: list[PasskeyOut]


class AddedOut(Output):
    """A new passkey, and recovery codes if it is the account's first second factor."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"passkey": _PASSKEY, "backupCodes": ["MZXW-6YTB-OI5D-GNBV-GY3T-QOJQ"]}
        }
    )

    passkey: PasskeyOut
    backup_codes: list[str] | None = None
