"""Feedback: told by users, read and closed by administrators."""

from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from coinsphere.parsing import pictures
from webapi.feedback import schemas, use_cases
from webapi.http.schema import Message
from webapi.security import limits
from webapi.security.access import admin, signed_in

feedback = APIBlueprint("feedback", __name__, tag="Feedback")
feedback_administration = APIBlueprint("feedback_administration", __name__, tag="Administration")

_CLOSED = {"message": "Closed"}
_ANSWERED = {"message": "Answered"}
_PICTURE: dict[int | str, dict[str, str | dict[str, dict[str, Any]]]] = {
    200: {"description": "The picture.", "content": {pictures.MIMETYPE: {"schema": {}}}}
}


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
@feedback_administration.doc(responses=_PICTURE)
def get_screenshot(feedback_id: str) -> Response:
    """The picture that came along, as WebP; 404 where there is none."""
    return Response(use_cases.screenshot(feedback_id), mimetype=pictures.MIMETYPE)


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
