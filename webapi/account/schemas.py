"""Request and response bodies of one's account."""

from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from coinsphere.i18n import LANGUAGES
from coinsphere.portfolio.imports.statements.record import MONEY
from webapi.auth.schemas import (
    USER_EXAMPLE,
    Email,
    GivenPassword,
    NewPassword,
    OpaqueToken,
    PersonName,
    UserOut,
)
from webapi.channels.schemas import Zone
from webapi.http.schema import Input, Line, Output

_SESSION: dict[str, Any] = {
    "id": "3f1c7a52-8f0e-4f54-9d52-0a5c1f6f4e11",
    "userAgent": "Mozilla/5.0 …",
    "ipAddress": "203.0.113.7",
    "createdAt": "2026-11-24T08:00:00Z",
    "lastSeenAt": "2026-11-24T09:00:00Z",
    "expiresAt": "2027-02-22T08:00:00Z",
    "current": True,
}


def _currency(code: str) -> str:
    if code not in MONEY:
        raise ValueError("is no currency that we have rates of")
    return code


def _language(code: str) -> str:
    if code not in LANGUAGES:
        raise ValueError("is none that we speak")
    return code


class ProfileIn(Input):
    """What is to change; what is left out stays, and null empties a name."""

    model_config = ConfigDict(json_schema_extra={"example": {"firstName": "Ada"}})

    first_name: PersonName | None = None
    last_name: PersonName | None = None
    email: Email | None = Field(
        None, description="A new address counts once it is confirmed by the link sent to it."
    )


class ProfileOut(Output):
    """The account, and the address that waits to be confirmed."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"user": USER_EXAMPLE, "pendingEmail": None}}
    )

    user: UserOut
    pending_email: str | None


class ChangePasswordIn(Input):
    """The present password and the one that replaces it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "currentPassword": "correct horse battery",
                "newPassword": "staple in the stable",
            }
        }
    )

    old_names: ClassVar = {"oldPassword": "currentPassword"}

    current_password: GivenPassword = Field(description="Also taken as `oldPassword`.")
    new_password: NewPassword


class ForgotPasswordIn(Input):
    """Whose password is forgotten."""

    model_config = ConfigDict(json_schema_extra={"example": {"email": "ada@example.com"}})

    email: Line = Field(min_length=1, max_length=254)


class ResetPasswordIn(Input):
    """The token of the link that was sent, and the new password."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"token": "bD9k3…", "newPassword": "staple in the stable"}}
    )

    token: OpaqueToken
    new_password: NewPassword


class VerifyEmailIn(Input):
    """The token of the link that was sent."""

    model_config = ConfigDict(json_schema_extra={"example": {"token": "bD9k3…"}})

    token: OpaqueToken


class SessionOut(Output):
    """A live session."""

    model_config = ConfigDict(json_schema_extra={"example": _SESSION})

    id: UUID
    user_agent: str | None
    ip_address: str | None
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    current: bool = Field(description="Whether it is the one that asks.")


class SessionsOut(Output):
    """The live sessions, the one seen last first."""

    model_config = ConfigDict(json_schema_extra={"example": {"sessions": [_SESSION]}})

    sessions: list[SessionOut]


class EndedOut(Output):
    """How many sessions ended."""

    message: str
    sessions: int


class DeleteIn(Input):
    """Proofs that the owner wants it."""

    model_config = ConfigDict(json_schema_extra={"example": {"password": "correct horse battery"}})

    password: GivenPassword
    two_factor_token: OpaqueToken | None = Field(
        None, description="A TOTP or a recovery code, for accounts with two factors."
    )


Currency = Annotated[Line, StringConstraints(pattern="^[A-Z]{3}$"), AfterValidator(_currency)]
Language = Annotated[Line, AfterValidator(_language)]


class PreferencesIn(Input):
    """How one reads what we say; what is left out or null falls back to what is usual, but for the language, which stays."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"language": "de", "currency": "EUR", "timeZone": "Europe/Berlin"}
        }
    )

    language: Language | None = Field(None, description="Of pages and mails, as `de`.")
    currency: Currency | None = Field(None, description="Of sums over portfolios on pages.")
    time_zone: Zone | None = Field(
        None, description="Of clocks on pages and in mails, by its name in the IANA database."
    )


class PreferencesOut(Output):
    """What was chosen; null where nothing was."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"language": "de", "currency": "EUR", "timeZone": "Europe/Berlin"}
        }
    )

    language: str | None = Field(description="Of pages and mails; null: English.")
    currency: str | None = Field(
        description="Of sums over portfolios on pages; null: the one that all are in, else US dollars."
    )
    time_zone: str | None = Field(description="Of clocks on pages and in mails; null: UTC.")


class UsageIn(Input):
    """Whether product events may be kept."""

    model_config = ConfigDict(json_schema_extra={"example": {"shared": True}})

    shared: bool = Field(description="False takes it back, and deletes what was kept.")


class UsageOut(Output):
    """Whether product events are kept."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"sharedSince": "2026-11-24T08:00:00Z"}}
    )

    shared_since: datetime | None = Field(description="Since when it is allowed; null: it is not.")
