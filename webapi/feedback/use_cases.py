"""What users tell us, and what administrators do with it."""

from uuid import UUID

from coinsphere.audit.events import Event
from webapi.feedback import queries, schemas
from webapi.http import errors, paths
from webapi.security import access, audit
from webapi.services import services


def tell(given: schemas.FeedbackIn) -> UUID:
    """Store what the caller tells. Raises `errors.Problem`: 429, the caller told as much as one may within a day."""
    work = services()
    with work.database.connection() as conn:
        user_id = access.principal().user_id
        told = queries.add(conn, user_id, given.category, given.text, work.clock())
    if told is None:
        raise errors.Problem(
            429, f"nobody may send more than {queries.MOST} messages a day",
            headers={"Retry-After": str(int(queries.WITHIN.total_seconds()))}, code="feedback-full",
        )  # fmt: skip
    return told


def listed(query: schemas.FeedbackQuery) -> list[queries.Feedback]:
    """What is open, the oldest first; or what was closed."""
    with services().database.connection() as conn:
        return queries.listed(conn, query.limit, closed=query.closed)


def close(feedback_id: str) -> None:
    """Close what is dealt with. Raises `errors.Problem`: 404, nothing open has that id."""
    work = services()
    with work.database.connection() as conn:
        which = paths.uuid(feedback_id, "feedback")
        if not queries.close(conn, which, work.clock()):
            raise errors.not_found("feedback")
        caller = access.principal().user_id
        audit.record(conn, Event.FEEDBACK_CLOSED, actor_id=caller, target=str(which))
