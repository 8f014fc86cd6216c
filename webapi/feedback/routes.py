"""Feedback: told by users, read and closed by administrators."""

import base64
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from webapi.feedback import schemas, use_cases
from webapi.http.schema import Message
from webapi.security import limits
from webapi.security.access import admin, signed_in

feedback = APIBlueprint("feedback", __name__, tag="Feedback")
feedback_administration = APIBlueprint("feedback_administration", __name__, tag="Administration")

_CLOSED = {"message": "Closed"}
_ANSWERED = {"message": "Answered"}


@feedback.post("")
@signed_in
@limits.weighs(10)
@feedback.input(schemas.FeedbackIn)
@feedback.output(schemas.ToldOut, 201)
def give_feedback(json_data: schemas.FeedbackIn) -> dict[str, UUID]:
    """Tell those who run the system of a fault, an idea, a question or praise; 20 times a day at most."""
    return {"id": use_cases.tell(json_data)}


@feedback_administration.get("")
@admin
@feedback_administration.input(schemas.FeedbackQuery, location="query")
@feedback_administration.output(schemas.FeedbackListOut)
def list_feedback(query_data: schemas.FeedbackQuery) -> dict[str, Any]:
    """What users told: what is open, the oldest first, or what was closed."""
    return {"feedback": use_cases.listed(query_data)}


@feedback_administration.get("/<feedback_id>/screenshot")
@admin
@feedback_administration.output(schemas.ScreenshotOut)
def get_screenshot(feedback_id: str) -> dict[str, str]:
    """The picture that came along, in base64 as it was sent; 404 where there is none."""
    return {"screenshot": base64.b64encode(use_cases.screenshot(feedback_id)).decode()}


@feedback_administration.post("/<feedback_id>/close")
@admin
@feedback_administration.output(Message, example=_CLOSED)
def close_feedback(feedback_id: str) -> dict[str, str]:
    """Close what is dealt with; 404 where it is closed already."""
    use_cases.close(feedback_id)
    return _CLOSED


@feedback_administration.post("/<feedback_id>/answer")
@admin
@feedback_administration.input(schemas.AnswerIn)
@feedback_administration.output(Message, example=_ANSWERED)
def answer_feedback(feedback_id: str, json_data: schemas.AnswerIn) -> dict[str, str]:
    """Answer who told it, by mail in their language, and close it; 404 where it is closed already."""
    use_cases.answer(feedback_id, json_data)
    return _ANSWERED
