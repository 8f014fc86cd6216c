"""Request and response bodies of `/admin/asset-events`."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints

from coinsphere.market.reference.asset_events import EventKind
from webapi.admin.data.schemas import Reason
from webapi.http.schema import SINGLE_LINE, Input, Instant, Output, Query

Which = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40), SINGLE_LINE
]
RatioText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), SINGLE_LINE
]


class AssetEventsQuery(Query):
    """Which events."""

    token: Which | None = Field(
        None, description="That it is of, or that came of it: symbol or id."
    )
    past: bool = Field(default=False, description="Also those that were removed.")
    limit: int = Field(200, ge=1, le=200)


class AssetEventIn(Input):
    """What happened to a token."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "kind": "swap",
                "token": "MKR",
                "successor": "SKY",
                "ratio": "1:24000",
                "happenedAt": "2025-09-18T00:00:00Z",
                "reason": "Sky's announcement of that day",
            }
        }
    )

    kind: EventKind = Field(description="What happened to the token.")
    token: Which = Field(description="Symbol or id of the token.")
    successor: Which | None = Field(
        None, description="Symbol or id of the other token, where there is one."
    )
    ratio: RatioText = Field("1:1", description="Old units, a colon, and what they became.")
    happened_at: Instant = Field(
        description="When; it may lie ahead. Of a new unit: a midnight in UTC."
    )
    reason: Reason = Field(description="What says so; kept with the event.")


class RemovalIn(Input):
    """Why an event is to count no more."""

    model_config = ConfigDict(json_schema_extra={"example": {"reason": "it was another token"}})

    reason: Reason = Field(description="Kept with the event.")


class AssetEventOut(Output):
    """What happened to a token; it counts until it is removed."""

    id: UUID
    kind: EventKind = Field(description="What happened to the token.")
    token_id: UUID
    symbol: str
    successor_id: UUID | None = Field(description="The other token; null where there is none.")
    successor_symbol: str | None = Field(description="Its symbol.")
    ratio: Annotated[str, BeforeValidator(str)] = Field(
        description="Old units, a colon, and what they became."
    )
    happened_at: datetime = Field(description="When it happened, or will.")
    reason: str = Field(description="What says so.")
    recorded_at: datetime = Field(description="When it was recorded.")
    recorded_by: str = Field(description="Who recorded it.")
    applied_at: datetime | None = Field(
        description="When listings, alerts and books were brought in line with it, or with its removal; null while that is due."
    )
    removed_at: datetime | None = Field(
        description="Since when it counts no more; null while it counts."
    )
    removed_by: str | None = Field(description="Who removed it.")
    removal_reason: str | None = Field(description="Why it was removed.")


_EVENT: dict[str, Any] = {
    "id": "5a0c9d1e-7f3b-4c55-9a43-2f6a4c1f1d10",
    "kind": "swap",
    "tokenId": "0b7f5a4e-3c0b-4f0e-8d6a-6f1f4b3f2b11",
    "symbol": "MKR",
    "successorId": "0b7f5a4e-3c0b-4f0e-8d6a-6f1f4b3f2b12",
    "successorSymbol": "SKY",
    "ratio": "1:24000",
    "happenedAt": "2025-09-18T00:00:00Z",
    "reason": "Sky's announcement of that day",
    "recordedAt": "2026-11-24T08:00:00Z",
    "recordedBy": "seed",
    "appliedAt": "2026-11-24T08:05:00Z",
    "removedAt": None,
    "removedBy": None,
    "removalReason": None,
}


class AssetEventsOut(Output):
    """What happened to tokens, by its instant."""

    model_config = ConfigDict(json_schema_extra={"example": {"assetEvents": [_EVENT]}})

    asset_events: list[AssetEventOut] = Field(description="By the instant at which they happened.")


class OneAssetEventOut(Output):
    """One event."""

    model_config = ConfigDict(json_schema_extra={"example": {"assetEvent": _EVENT}})

    asset_event: AssetEventOut = Field(description="The event as it is now.")
