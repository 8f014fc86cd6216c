"""Feedback: a form for users, and what administrators read and close."""

import base64

from flask import Blueprint, Response, request

from coinsphere.i18n import N_
from coinsphere.parsing import pictures
from webapi.feedback import use_cases
from webapi.feedback.schemas import AnswerIn, FeedbackIn, FeedbackQuery
from webapi.http.schema import check
from webapi.security import limits
from webui import rendering
from webui.i18n import gettext
from webui.pages import flash_messages, query_parameters, submissions
from webui.pages.submissions import EMPTY, Submission
from webui.security.access import admin, signed_in

web_feedback = Blueprint("web_feedback", __name__)
_PAGE = "/feedback"
_ADMIN = "/admin/feedback"
CATEGORIES = {
    "fault": N_("Something is wrong"),
    "idea": N_("An idea"),
    "question": N_("A question"),
    "praise": N_("Praise"),
}


@web_feedback.get(_PAGE)
@signed_in
def form() -> Response:
    """The form."""
    return _page(EMPTY)


@web_feedback.post(_PAGE)
@signed_in
@limits.weighs(10)
def tell() -> Response:
    """Send it."""

    def act() -> Response:
        use_cases.tell(submissions.given(FeedbackIn, **_picture()))
        return flash_messages.lead_to(_PAGE, gettext("Thank you. We read every message."))

    return submissions.attempted(act, _page)


@web_feedback.get(_ADMIN)
@admin
def listed() -> Response:
    """What is open, or was closed."""
    return _listed(EMPTY)


@web_feedback.post(f"{_ADMIN}/<feedback_id>/close")
@admin
def close(feedback_id: str) -> Response:
    """Close what is dealt with."""
    use_cases.close(feedback_id)
    return flash_messages.lead_to(_ADMIN, gettext("Closed."))


@web_feedback.post(f"{_ADMIN}/<feedback_id>/answer")
@admin
def answer(feedback_id: str) -> Response:
    """Answer by mail, and close."""

    def act() -> Response:
        use_cases.answer(feedback_id, submissions.given(AnswerIn))
        return flash_messages.lead_to(_ADMIN, gettext("Answered."))

    return submissions.attempted(act, _listed)


@web_feedback.get(f"{_ADMIN}/<feedback_id>/screenshot")
@admin
def screenshot(feedback_id: str) -> Response:
    """The picture that came along."""
    return Response(use_cases.screenshot(feedback_id), mimetype=pictures.MIMETYPE)


def _picture() -> dict[str, str]:
    sent = request.files.get("screenshot")
    content = sent.read() if sent is not None else b""
    return {"screenshot": base64.b64encode(content).decode()} if content else {}


def _listed(form: Submission) -> Response:
    query = check(FeedbackQuery, query_parameters.given("closed"))
    return rendering.page(
        "admin/feedback.html",
        form=form,
        found=use_cases.listed(query),
        closed=query.closed,
        categories=CATEGORIES,
    )


def _page(form: Submission) -> Response:
    return rendering.page("feedback/index.html", form=form, categories=CATEGORIES)
