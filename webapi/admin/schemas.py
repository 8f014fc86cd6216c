"""Request and response bodies of `/admin`."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from coinsphere.audit.events import Event
from webapi.features import Feature
from webapi.http.schema import Input, Line, Output, Query

Role = Literal["user", "analyst", "admin"]
Cursor = Annotated[Line, StringConstraints(min_length=1, max_length=300)]
Search = Annotated[Line, StringConstraints(min_length=1, max_length=254)]


class UsersQuery(Query):
    """Which accounts."""

    q: Search | None = Field(None, description="Part of the address.")
    role: Role | None = None
    limit: int = Field(50, ge=1, le=200)
    cursor: Cursor | None = None


class AuditQuery(Query):
    """Which entries."""

    action: Event | None = None
    actor_id: UUID | None = None
    limit: int = Field(50, ge=1, le=200)
    cursor: Cursor | None = None


class UserChange(Input):
    """What is to change of an account; at least one of the two."""

    model_config = ConfigDict(json_schema_extra={"example": {"isActive": False}})

    role: Role | None = None
    is_active: bool | None = Field(None, strict=True)

    @model_validator(mode="after")
    def _something(self) -> "UserChange":
        if self.role is None and self.is_active is None:
            raise ValueError("role or isActive is needed")
        return self


class SwitchIn(Input):
    """Whether the feature is to be on."""

    model_config = ConfigDict(json_schema_extra={"example": {"isOn": False}})

    is_on: bool = Field(strict=True)


class AccountOut(Output):
    """An account as administrators see it."""

    id: UUID
    email: str
    first_name: str | None
    last_name: str | None
    role: Role
    email_verified: bool
    subscription_tier: str
    is_active: bool
    two_factor_enabled: bool
    created_at: datetime
    last_login_at: datetime | None
    sessions: int = Field(description="Sessions that live.")


_ACCOUNT: dict[str, Any] = {
    "id": "5a0c9d1e-7f3b-4c55-9a43-2f6a4c1f1d10",
    "email": "ada@example.com",
    "firstName": "Ada",
    "lastName": None,
    "role": "user",
    "emailVerified": True,
    "subscriptionTier": "free",
    "isActive": True,
    "twoFactorEnabled": False,
    "createdAt": "2026-11-24T08:00:00Z",
    "lastLoginAt": None,
    "sessions": 1,
}


class AccountsOut(Output):
    """Accounts, oldest first."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"users": [_ACCOUNT], "nextCursor": None}}
    )

    users: list[AccountOut]
    next_cursor: str | None


class OneAccountOut(Output):
    """One account."""

    model_config = ConfigDict(json_schema_extra={"example": {"user": _ACCOUNT}})

    user: AccountOut


class EndedSessionsOut(Output):
    """How many sessions ended."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"message": "Sessions ended", "sessions": 2}}
    )

    message: str
    sessions: int


class AuditEntryOut(Output):
    """An entry of the audit log."""

    id: int
    seq: int | None = Field(description="Its number in the chain; null for entries before it.")
    occurred_at: datetime
    actor_id: UUID | None
    action: str
    target: str | None
    ip_address: str | None = Field(description="The /24 or /48 that the request came from.")
    request_id: str | None
    details: dict[str, Any]


class AuditOut(Output):
    """Entries, newest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "entries": [
                    {
                        "id": 7,
                        "seq": 7,
                        "occurredAt": "2026-11-24T08:00:00Z",
                        "actorId": "5a0c9d1e-7f3b-4c55-9a43-2f6a4c1f1d10",
                        "action": "login",
                        "target": None,
                        "ipAddress": "203.0.113.0/24",
                        "requestId": "6f1c2b0a",
                        "details": {},
                    }
                ],
                "nextCursor": None,
            }
        }
    )

    entries: list[AuditEntryOut]
    next_cursor: str | None


class CandlesOut(Output):
    """The candles of one interval."""

    interval: str
    rows: int
    tokens: int
    first: datetime
    last: datetime
    unfinished: int


class QuotesOut(Output):
    """How fresh the quotes are."""

    quotes: int
    newest: datetime | None
    stale: int
    unquoted: int = Field(description="Active tokens without a quote.")
    quarantined: int = Field(description="Rows that wait for a person's judgement.")


class IngestFailureOut(Output):
    """How often sources failed in one way."""

    error_code: str
    times: int
    last: datetime
    example: str


class DataStatusOut(Output):
    """What the market tables hold, and what went wrong in the last day."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "priceSource": "live",
                "decidedAt": "2026-11-24T08:00:00Z",
                "candles": [
                    {
                        "interval": "1d",
                        "rows": 33945,
                        "tokens": 31,
                        "first": "2023-11-25T00:00:00Z",
                        "last": "2026-11-24T00:00:00Z",
                        "unfinished": 31,
                    }
                ],
                "quotes": {
                    "quotes": 31,
                    "newest": "2026-11-24T08:00:00Z",
                    "stale": 0,
                    "unquoted": 0,
                    "quarantined": 0,
                },
                "failures": [],
                "timestamp": "2026-11-24T08:00:00Z",
            }
        }
    )

    price_source: str | None
    decided_at: datetime | None
    candles: list[CandlesOut]
    quotes: QuotesOut
    failures: list[IngestFailureOut] = Field(
        description="Of the last 24 hours, the most frequent first."
    )
    timestamp: datetime


class FeatureOut(Output):
    """A feature and whether it is on."""

    feature: Feature
    is_on: bool
    off_by_setting: bool = Field(description="A setting keeps it off, whatever the switch says.")
    changed_by: UUID | None
    changed_at: datetime | None


_FEATURE: dict[str, Any] = {
    "feature": "predictions",
    "isOn": True,
    "offBySetting": False,
    "changedBy": None,
    "changedAt": None,
}


class FeaturesOut(Output):
    """Every feature that can be turned off."""

    model_config = ConfigDict(json_schema_extra={"example": {"features": [_FEATURE]}})

    features: list[FeatureOut]


class OneFeatureOut(Output):
    """One feature."""

    model_config = ConfigDict(json_schema_extra={"example": {"feature": _FEATURE}})

    feature: FeatureOut
