"""Feedback: given by users, read, answered and closed by administrators."""

import base64
import binascii
from uuid import UUID

from psycopg import Connection

from coinsphere import i18n
from coinsphere.audit.events import Event
from coinsphere.errors import NoPicture
from coinsphere.notify import account_mails
from coinsphere.parsing import pictures
from webapi import mails
from webapi.feedback import queries, schemas
from webapi.http import errors, paths
from webapi.security import access, audit
from webapi.services import services


def tell(body: schemas.FeedbackIn) -> UUID:
    """Store the caller's feedback.

    Raises:
        errors.Problem: 400, the screenshot is none; 429, the caller told as much as one may within a day.
    """
    work = services()
    picture = None if body.screenshot is None else _picture(body.screenshot)
    feedback = queries.Told(body.category, body.text, picture)
    with work.database.connection() as conn:
        user_id = access.principal().user_id
        feedback_id = queries.add(conn, user_id, feedback, work.clock())
    if feedback_id is None:
        raise errors.Problem(
            429, f"nobody may send more than {queries.MOST} messages a day",
            headers={"Retry-After": str(int(queries.WITHIN.total_seconds()))}, code="feedback-full",
        )  # fmt: skip
    return feedback_id


def _picture(encoded: str) -> bytes:
    try:
        return pictures.redrawn(base64.b64decode(encoded, validate=True))
    except binascii.Error:
        reason = "must be in base64"
    except NoPicture as error:
        reason = str(error)
    raise errors.invalid([{"path": "screenshot", "message": reason, "code": "picture"}])


def screenshot(feedback_id: str) -> bytes:
    """The screenshot of feedback. Raises `errors.Problem`: 404, there is none."""
    with services().database.connection() as conn:
        picture = queries.screenshot(conn, paths.uuid(feedback_id, "feedback"))
    if picture is None:
        raise errors.not_found("screenshot")
    return picture


def listed(query: schemas.FeedbackQuery) -> list[queries.Feedback]:
    """Open feedback, the oldest first; or closed feedback."""
    with services().database.connection() as conn:
        return queries.listed(conn, query.limit, closed=query.closed)


def close(feedback_id: str) -> None:
    """Close feedback. Raises `errors.Problem`: 404, none that is open has that id."""
    with services().database.connection() as conn:
        _close(conn, feedback_id, None, Event.FEEDBACK_CLOSED)


def answer(feedback_id: str, body: schemas.AnswerIn) -> None:
    """Close feedback and mail its owner the answer. Raises `errors.Problem`: 404, none that is open has that id."""
    with services().database.connection() as conn:
        closed = _close(conn, feedback_id, body.text, Event.FEEDBACK_ANSWERED)
        with i18n.speaking(closed.locale):
            message = account_mails.answer_to_feedback(closed.body, body.text)
        mails.send(conn, closed.email, message, closed.user_id)


def _close(conn: Connection, feedback_id: str, answer: str | None, event: Event) -> queries.Closed:
    which = paths.uuid(feedback_id, "feedback")
    closed = queries.close(conn, which, services().clock(), answer)
    if closed is None:
        raise errors.not_found("feedback")
    audit.record(conn, event, actor_id=access.principal().user_id, target=str(which))
    return closed
