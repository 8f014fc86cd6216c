"""Request and response bodies of `/2fa`."""

from typing import ClassVar

from pydantic import ConfigDict, Field, JsonValue

from webapi.auth.schemas import GivenPassword, OpaqueToken
from webapi.http.schema import Input, Output

_CODES: list[JsonValue] = ["MZXW-6YTB-OI5D-GNBV-GY3T-QOJQ"]


class SetUpOut(Output):
    """A secret for an authenticator app; it counts once a code of it was verified."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
                "otpauthUrl": "otpauth://totp/Coinsphere:ada%40example.com?secret=JBSW…",
                "qrCode": "data:image/png;base64,iVBORw0…",
            }
        }
    )

    secret: str
    otpauth_url: str
    qr_code: str = Field(description="The address as a QR code, a PNG in a data URL.")


class VerifyIn(Input):
    """A code of the new secret."""

    model_config = ConfigDict(json_schema_extra={"example": {"token": "287082"}})

    token: OpaqueToken
    secret: str | None = Field(
        None, max_length=512, description="Sent by old clients, and ignored: the server keeps it."
    )


class VerifiedOut(Output):
    """Recovery codes, shown this once."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"success": True, "backupCodes": _CODES}}
    )

    success: bool
    backup_codes: list[str]


class DisableIn(Input):
    """Both proofs that the owner wants it."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"password": "correct horse battery", "token": "287082"}}
    )

    password: GivenPassword
    token: OpaqueToken = Field(description="A TOTP or a recovery code.")


class DisabledOut(Output):
    """The authenticator app no longer counts."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"success": True, "message": "Two-factor authentication disabled"}
        }
    )

    success: bool
    message: str


class StatusOut(Output):
    """The second factors of the account."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"enabled": True, "backupCodesLeft": 10, "passkeys": 0}}
    )

    enabled: bool = Field(description="Whether there is an authenticator app.")
    backup_codes_left: int
    passkeys: int


class CodesOut(Output):
    """New recovery codes, shown this once; the old ones are void."""

    model_config = ConfigDict(json_schema_extra={"example": {"backupCodes": _CODES}})

    backup_codes: list[str]


class RegenerateIn(Input):
    """Nothing is needed: the login is recent. Old clients send a code, which is checked."""

    model_config = ConfigDict(json_schema_extra={"example": {}})
    body_optional: ClassVar[bool] = True

    token: OpaqueToken | None = None
