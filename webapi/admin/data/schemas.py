"""Request and response bodies of `/admin/data`."""

from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from webapi.admin.schemas import Cursor
from webapi.http.schema import SINGLE_LINE, Input, Line, Number, Output, Query
from webapi.http.visible import VISIBLE

Symbol = Annotated[Line, StringConstraints(min_length=1, max_length=20)]
Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=500),
    SINGLE_LINE,
    VISIBLE,
]


class ListQuery(Query):
    """Which rows."""

    symbol: Symbol | None = Field(None, description="Of this token only.")
    past: bool = Field(default=False, description="Also what was decided, or is over.")
    limit: int = Field(50, ge=1, le=200)
    cursor: Cursor | None = None


class HealthQuery(Query):
    """Of which tokens, and of how many days."""

    symbol: Symbol | None = Field(
        None, description="Of this token alone, also when it is traded no more."
    )
    days: int = Field(14, ge=1, le=31, description="So many days in UTC, today the last of them.")
    limit: int = Field(50, ge=1, le=50)
    cursor: Cursor | None = None


class DecisionIn(Input):
    """Why it is decided so."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"reason": "a real crash, in all markets"}}
    )

    reason: Reason = Field(description="Kept in the trail.")


class DecidedOut(Output):
    """How many rows were decided."""

    model_config = ConfigDict(json_schema_extra={"example": {"decided": 1}})

    decided: int


class StepOut(Output):
    """A step of an entry's trail."""

    state: Literal["held", "released", "removed", "gone"]
    at: datetime
    actor: str = Field(description="`check`, or the person who decided.")
    reason: str | None


_HELD: dict[str, Any] = {
    "id": 7,
    "symbol": "INJ",
    "scope": "candle",
    "about": "2026-11-23T00:00:00Z",
    "rule": "no_close_is_ten_times_the_last",
    "reason": "No close is ten times, or a tenth of, its neighbours' without having been traded all the way.",
    "evidence": {"close": "0.31"},
    "since": "2026-11-24T00:10:00Z",
    "state": "held",
    "changedAt": "2026-11-24T00:10:00Z",
    "changedBy": "check",
    "changeReason": None,
    "trail": [
        {
            "state": "held",
            "at": "2026-11-24T00:10:00Z",
            "actor": "check",
            "reason": "No close is ten times.",
        }
    ],
}


class HeldOut(Output):
    """Something that a check set aside."""

    id: int
    symbol: str
    scope: Literal["candle", "hour", "quote", "token", "forecast"]
    about: datetime | None = Field(
        description="Start of the candle, time of the quote, origin of the forecast; null for a token."
    )
    rule: str
    reason: str
    evidence: dict[str, Any]
    since: datetime
    state: Literal["held", "released", "removed", "gone"]
    changed_at: datetime
    changed_by: str
    change_reason: str | None
    trail: list[StepOut]


class SetAsideOut(Output):
    """What checks set aside, newest first."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"entries": [_HELD], "nextCursor": None}}
    )

    entries: list[HeldOut]
    next_cursor: str | None


_REFUSED: dict[str, Any] = {
    "id": 12,
    "tokenId": "5a0c9d1e-7f3b-4c55-9a43-2f6a4c1f1d10",
    "symbol": "OP",
    "kind": "candle",
    "source": "file:OPUSDT-1d-2026-11.csv",
    "reason": "close is more than ten-fold away from the stored ones beside it",
    "payload": {"interval": "1d", "openedAt": "2026-11-01T00:00:00+00:00", "close": "0.00042"},
    "quarantinedAt": "2026-11-24T08:00:00Z",
    "resolution": None,
    "resolvedAt": None,
    "resolvedBy": None,
    "resolutionReason": None,
}


class RefusedOut(Output):
    """A row that was refused on arrival, as it came."""

    id: int
    token_id: UUID | None
    symbol: str | None
    kind: Literal["candle", "quote", "metadata"]
    source: str
    reason: str
    payload: dict[str, Any]
    quarantined_at: datetime
    resolution: Literal["accepted", "rejected"] | None
    resolved_at: datetime | None
    resolved_by: str | None
    resolution_reason: str | None


class RefusedRowsOut(Output):
    """What was refused on arrival, newest first."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"rows": [_REFUSED], "nextCursor": None}}
    )

    rows: list[RefusedOut]
    next_cursor: str | None


class _DayOut(Output):
    """What is told of a day of a token, and of a venue."""

    day: date = Field(description="In UTC.")
    completeness: float | None = Field(
        description="Part of what was expected that is there; null: nothing was."
    )
    age: float | None = Field(
        description="Of prices, in seconds: a token's oldest, a venue's median."
    )
    disagreement: Number | None = Field(
        description="In basis points: how wide a token's price is, how far a venue is from it in the mean."
    )
    quarantined: int = Field(description="Rows that were set aside or refused on that day.")
    revisions: int = Field(description="Final candles that changed on that day.")


class TokenDayOut(_DayOut):
    """A token's day."""

    hours: int = Field(description="Final hourly candles.")
    expected_hours: int | None = Field(
        description="Hours over for an hour or more; null before the first candle."
    )
    has_day: bool | None = Field(
        description="Whether its daily candle is there; null before the first, and today."
    )


class VenueDayOut(_DayOut):
    """A venue's day. Prices are looked at as they were at the first minute of each third hour."""

    expected: int = Field(description="Prices of tokens that the venue ever quoted in these days.")
    answered: int = Field(description="Prices to which it said something.")
    votes: int = Field(description="Prices in which it had a vote.")


class TokenHealthOut(Output):
    """The days of a token, oldest first."""

    token_id: UUID
    symbol: str
    days: list[TokenDayOut] = Field(description="Each day, oldest first.")


class VenueHealthOut(Output):
    """The days of a venue, oldest first."""

    venue: str = Field(description="Name of the exchange.")
    days: list[VenueDayOut] = Field(description="Each day, oldest first.")


_DAY: dict[str, Any] = {
    "day": "2026-11-24",
    "completeness": 0.96,
    "age": 60.0,
    "disagreement": 3.14,
    "quarantined": 0,
    "revisions": 1,
}


class DataHealthOut(Output):
    """How good the data are: of each token of this page, and of each venue that quotes one of them."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "since": "2026-11-24",
                "until": "2026-11-24",
                "tokens": [
                    {
                        "tokenId": "5a0c9d1e-7f3b-4c55-9a43-2f6a4c1f1d10",
                        "symbol": "BTC",
                        "days": [{**_DAY, "hours": 23, "expectedHours": 24, "hasDay": True}],
                    }
                ],
                "venues": [
                    {
                        "venue": "kraken",
                        "days": [{**_DAY, "expected": 24, "answered": 23, "votes": 22}],
                    }
                ],
                "nextCursor": None,
                "timestamp": "2026-11-25T12:00:00Z",
            }
        }
    )

    since: date = Field(description="First day.")
    until: date = Field(description="Last day.")
    tokens: list[TokenHealthOut]
    venues: list[VenueHealthOut] = Field(description="Those that quote tokens of this page.")
    next_cursor: str | None
    timestamp: datetime = Field(description="When it was looked at.")
