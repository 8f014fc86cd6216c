"""A user's preferences: language, currency of sums, time zone."""

from dataclasses import dataclass
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

_GET = "select locale as language, currency, time_zone from app.users where id = %(user_id)s"
_KEEP = """
    update app.users set locale = coalesce(%(language)s, locale), currency = %(currency)s, time_zone = %(time_zone)s
    where id = %(user_id)s
"""


@dataclass(frozen=True, slots=True)
class Preferences:
    """The preferences; None means English, the currency that all portfolios share, and UTC."""

    language: str | None
    currency: str | None
    time_zone: str | None


def of(conn: Connection, user_id: UUID) -> Preferences:
    """The preferences of an existing user."""
    cursor = conn.cursor(row_factory=class_row(Preferences))
    (preferences,) = cursor.execute(_GET, {"user_id": user_id})
    return preferences


def keep(conn: Connection, user_id: UUID, wanted: Preferences) -> Preferences:
    """Replace the preferences; a language that is None stays as it was."""
    values = {
        "user_id": user_id,
        "language": wanted.language,
        "currency": wanted.currency,
        "time_zone": wanted.time_zone,
    }
    conn.execute(_KEEP, values)
    return of(conn, user_id)
