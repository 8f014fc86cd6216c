"""Finds a browser's session by the secret in its cookie, for the API's pages and the stream; only the secret's SHA-256 is stored."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from coinsphere.accounts import opaque_tokens

COOKIE = "__Host-session"
MOST_CHARACTERS = 128

FIND = """
    select s.id as session_id, u.id as user_id, u.role, s.last_seen_at, u.currency, u.time_zone
    from app.sessions s
    join app.users u on u.id = s.user_id
    where s.cookie_hash = %(hash)s and s.revoked_at is null and s.expires_at > %(now)s
        and s.last_seen_at > %(since)s and u.is_active
"""
"""Finds one `BrowserSession` by `parameters`; a statement, as pages run it in threads and the stream in an event loop."""


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A session that has not ended, and the user it belongs to."""

    session_id: UUID
    user_id: UUID
    role: str
    last_seen_at: datetime
    currency: str | None
    time_zone: str | None


def parameters(secret: str, now: datetime, idle_days: int) -> dict[str, Any]:
    """The parameters of the statement `FIND`; it leaves out a session that nobody used for `idle_days`."""
    since = now - timedelta(days=idle_days)
    return {"hash": opaque_tokens.digest(secret), "now": now, "since": since}


def is_possible(secret: str) -> bool:
    """Whether a secret has the form of one of ours, so that asking the database can find anything."""
    return 0 < len(secret) <= MOST_CHARACTERS
