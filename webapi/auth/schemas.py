"""Request and response bodies of `/auth`."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from webapi.http.schema import Input, Line, Output
from webapi.http.visible import VISIBLE
from webapi.passkeys.schemas import AssertionIn
from webapi.security import password_rules, passwords

USER_EXAMPLE: dict[str, Any] = {
    "id": "5a0c9d1e-7f3b-4c55-9a43-2f6a4c1f1d10",
    "email": "ada@example.com",
    "firstName": "Ada",
    "lastName": "Lovelace",
    "role": "user",
    "emailVerified": False,
    "subscriptionTier": "free",
    "createdAt": "2026-11-24T08:00:00Z",
}
_TOKENS: dict[str, Any] = {"accessToken": "eyJhbGciOiJSUzI1NiIs…", "refreshToken": "bD9k3…"}


def email_address(text: str) -> str:
    """The address as it is stored: its domain in lower case, the rest as given."""
    if len(text) > 254:  # noqa: PLR2004 - the longest address that SMTP carries (RFC 5321)
        raise ValueError("must have at most 254 characters")
    try:
        validated = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(f"is no e-mail address: {error}") from None
    return validated.normalized


def canonical(text: str) -> str:
    """An address as an account would hold it; what is no address stays as it is, and finds no account."""
    try:
        return email_address(text)
    except ValueError:
        return text


def _new_password(text: str) -> str:
    text = passwords.normalized(text)
    problem = password_rules.problem_with(text)
    if problem is not None:
        raise ValueError(problem)
    return text


Email = Annotated[Line, AfterValidator(email_address)]
NewPassword = Annotated[str, AfterValidator(_new_password)]
GivenPassword = Annotated[str, StringConstraints(max_length=1024)]
PersonName = Annotated[Line, StringConstraints(max_length=100), VISIBLE]
OpaqueToken = Annotated[Line, StringConstraints(min_length=1, max_length=512)]


class RegisterIn(Input):
    """A new account."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "email": "ada@example.com",
                "password": "correct horse battery",
                "firstName": "Ada",
            }
        }
    )

    email: Email
    password: NewPassword = Field(
        description="At least 8 characters, none that is tried first; spaces and case count."
    )
    first_name: PersonName | None = None
    last_name: PersonName | None = None
    share_usage: bool = Field(
        default=False,
        description="Allows that product events are kept; see `PATCH /account/usage`.",
    )


class LoginIn(Input):
    """Credentials."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"email": "ada@example.com", "password": "correct horse battery"}
        }
    )

    email: Line
    password: GivenPassword
    two_factor_token: OpaqueToken | None = Field(
        None, description="A TOTP or a recovery code, for accounts with two factors."
    )
    passkey: AssertionIn | None = Field(
        None, description="What a passkey answered to the challenge of a 403, instead of a code."
    )


class StepUpIn(Input):
    """One proof to be there."""

    model_config = ConfigDict(json_schema_extra={"example": {"password": "correct horse battery"}})

    password: GivenPassword | None = None
    two_factor_token: OpaqueToken | None = Field(None, description="A TOTP or a recovery code.")

    @model_validator(mode="after")
    def _has_one(self) -> "StepUpIn":
        if (self.password is None) == (self.two_factor_token is None):
            raise ValueError("send either password or twoFactorToken")
        return self


class StepUpOut(Output):
    """Until when the proof counts."""

    valid_until: datetime


class RefreshIn(Input):
    """A refresh token, good for one use."""

    model_config = ConfigDict(json_schema_extra={"example": {"refreshToken": "bD9k3…"}})

    refresh_token: OpaqueToken


class LogoutIn(Input):
    """The body may be left out where the access token is sent."""

    model_config = ConfigDict(json_schema_extra={"example": {"refreshToken": "bD9k3…"}})
    body_optional: ClassVar[bool] = True

    refresh_token: OpaqueToken | None = None


class UserOut(Output):
    """An account."""

    id: UUID
    email: str
    first_name: str | None
    last_name: str | None
    role: Literal["user", "analyst", "admin"]
    email_verified: bool
    subscription_tier: Literal["free", "pro", "enterprise"]
    created_at: datetime


class MyUserOut(UserOut):
    """One's own account."""

    last_login_at: datetime | None
    two_factor_enabled: bool


class RegisteredOut(Output):
    """A new account and its first session. Where accounts are concealed, `message` alone."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"user": USER_EXAMPLE, **_TOKENS, "message": "Registration successful"}
        }
    )

    user: UserOut | None = None
    access_token: str | None = None
    refresh_token: str | None = None
    message: str


class LoggedInOut(Output):
    """An account and a new session."""

    model_config = ConfigDict(json_schema_extra={"example": {"user": USER_EXAMPLE, **_TOKENS}})

    user: UserOut
    access_token: str
    refresh_token: str


class TokenPairOut(Output):
    """A new pair; the refresh token that was sent is used up."""

    model_config = ConfigDict(json_schema_extra={"example": _TOKENS})

    access_token: str
    refresh_token: str


class MeOut(Output):
    """Who is asking."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "user": {
                    **USER_EXAMPLE,
                    "lastLoginAt": "2026-11-24T08:00:00Z",
                    "twoFactorEnabled": False,
                },
                "sessions": 2,
            }
        }
    )

    user: MyUserOut
    sessions: int = Field(description="Sessions of this account that are alive.")


class LoggedOutAllOut(Output):
    """How many sessions ended."""

    message: str
    sessions: int
