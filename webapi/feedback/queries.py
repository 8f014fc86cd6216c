"""Users' feedback in PostgreSQL."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

MOST = 20
"""What one user may tell within `WITHIN`."""
WITHIN = timedelta(days=1)

# The account's row is locked, so that what is told at once is counted, too.
_LOCK = "select from app.users where id = %s for no key update"
_ADD = """
    insert into app.feedback (user_id, category, body, screenshot, created_at)
    select %(user_id)s, %(category)s, %(body)s, %(screenshot)s, %(now)s
    where (select count(*) from app.feedback where user_id = %(user_id)s and created_at > %(since)s) < %(most)s
    returning id
"""
_LISTED = """
    select f.id, f.category, f.body, f.answer, f.screenshot is not null as has_screenshot, f.created_at, f.closed_at, f.user_id, u.email
    from app.feedback f
    join app.users u on u.id = f.user_id
    where (f.closed_at is not null) = %(closed)s
    order by coalesce(f.closed_at, '-infinity') desc, f.created_at, f.id
    limit %(limit)s
"""
_SCREENSHOT = "select screenshot from app.feedback where id = %s and screenshot is not null"
_CLOSE = """
    update app.feedback f set closed_at = %(now)s, answer = %(answer)s
    from app.users u
    where f.id = %(id)s and f.closed_at is null and u.id = f.user_id
    returning f.body, u.id as user_id, u.email, u.locale
"""


@dataclass(frozen=True, slots=True)
class Told:
    """New feedback; the screenshot as WebP."""

    category: str
    body: str
    screenshot: bytes | None


@dataclass(frozen=True, slots=True)
class Feedback:
    """A user's feedback, and who gave it."""

    id: UUID
    category: str
    body: str
    answer: str | None
    has_screenshot: bool
    created_at: datetime
    closed_at: datetime | None
    user_id: UUID
    email: str


@dataclass(frozen=True, slots=True)
class Closed:
    """Closed feedback, and the user to answer."""

    body: str
    user_id: UUID
    email: str
    locale: str | None


def add(conn: Connection, user_id: UUID, feedback: Told, now: datetime) -> UUID | None:
    """Store feedback. Returns its id, or None where the user has given as much as is allowed."""
    conn.execute(_LOCK, [user_id])
    values = {"user_id": user_id, "now": now, "since": now - WITHIN, "most": MOST}
    row = conn.execute(_ADD, values | asdict(feedback)).fetchone()
    return row[0] if row else None


def screenshot(conn: Connection, feedback_id: UUID) -> bytes | None:
    """The screenshot of feedback; None where there is none."""
    row = conn.execute(_SCREENSHOT, [feedback_id]).fetchone()
    return row[0] if row else None


def listed(conn: Connection, limit: int, *, closed: bool) -> list[Feedback]:
    """Open feedback, the oldest first; or closed feedback, the newest first."""
    rows = conn.cursor(row_factory=class_row(Feedback))
    return rows.execute(_LISTED, {"closed": closed, "limit": limit}).fetchall()


def close(
    conn: Connection, feedback_id: UUID, now: datetime, answer: str | None = None
) -> Closed | None:
    """Close feedback, with the answer to its owner; None where none that is open has that id."""
    row = conn.cursor(row_factory=class_row(Closed))
    return row.execute(_CLOSE, {"id": feedback_id, "now": now, "answer": answer}).fetchone()
