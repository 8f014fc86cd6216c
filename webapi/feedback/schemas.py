"""Request and response bodies of `/feedback`."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from webapi.http.schema import Input, Output, Query
from webapi.http.visible import VISIBLE

Category = Literal["fault", "idea", "question", "praise"]
Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000), VISIBLE
]


class FeedbackIn(Input):
    """What somebody tells."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"category": "idea", "text": "Show fees by month."}}
    )

    category: Category = Field(description="What it is.")
    text: Text = Field(description="The message; it may have several lines.")
    screenshot: Annotated[str, StringConstraints(min_length=1, max_length=935_000)] | None = Field(
        None,
        description="A PNG, JPEG or WebP of at most 700,000 bytes, in base64. It is drawn anew, without what is told beside "
        "the picture, and shown to administrators alone.",
    )


class AnswerIn(Input):
    """What who told it is answered."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"text": "Fees by month are on the page of taxes now."}}
    )

    text: Text = Field(description="The answer; it may have several lines.")


class FeedbackQuery(Query):
    """Which messages."""

    closed: bool = Field(default=False, description="Those that were closed, not the open ones.")
    limit: int = Field(50, ge=1, le=200)


class ToldOut(Output):
    """That it arrived."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"id": "7b0c1a52-6f0e-4a57-9d3c-2f1e8b6a4d10"}}
    )

    id: UUID = Field(description="Of what was told.")


class FeedbackOut(Output):
    """What somebody told."""

    id: UUID
    category: Category = Field(description="What it is.")
    text: str = Field(validation_alias="body", description="The message.")
    has_screenshot: bool = Field(description="Whether a picture came along.")
    answer: str | None = Field(description="What they were answered by mail; null: nothing.")
    email: str = Field(description="Address of who told it.")
    user_id: UUID = Field(description="Account of who told it.")
    created_at: datetime
    closed_at: datetime | None = Field(description="When it was closed; null while it is open.")


class ScreenshotOut(Output):
    """The picture that came along."""

    model_config = ConfigDict(json_schema_extra={"example": {"screenshot": "UklGRiIAAABXRUJQ…"}})

    screenshot: str = Field(description="A WebP, in base64.")


class FeedbackListOut(Output):
    """What users told."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "feedback": [
                    {
                        "id": "7b0c1a52-6f0e-4a57-9d3c-2f1e8b6a4d10",
                        "category": "idea",
                        "text": "Show fees by month.",
                        "hasScreenshot": False,
                        "answer": None,
                        "email": "ada@example.com",
                        "userId": "0f5d2c8e-93b1-4c6a-8a57-6d4e1f2b3c90",
                        "createdAt": "2026-03-10T12:00:00Z",
                        "closedAt": None,
                    }
                ]
            }
        }
    )

    feedback: list[FeedbackOut] = Field(
        description="Open ones, the oldest first; or closed ones, the newest closed first."
    )
