"""A browser's session: a row of `app.sessions` like any other, found by a secret that a cookie holds.

The cookie is `__Host-` (of this host alone, over a secure connection alone), HttpOnly (no script reads it) and
SameSite=Lax (a link in a mail leads to a page that knows one; a form of another site brings nothing). Of the secret only
the SHA-256 is kept. It is made anew at each login, so nobody can plant one, and ends with its row: by logging out, in the
list of sessions, by a new password, when an administrator disables the account.
"""

from datetime import timedelta
from uuid import UUID

from flask import Response, g, has_request_context, request
from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.accounts import browser_sessions, opaque_tokens
from coinsphere.accounts.browser_sessions import BrowserSession
from coinsphere.audit.events import Event
from coinsphere.db.owner import Scope
from webapi.http import errors
from webapi.security import audit, sessions
from webapi.security.sessions import Principal
from webapi.services import Services, services

NAME = browser_sessions.COOKIE
COOKIE = "cookie"
"""Under this name `grant` gives the secret."""
_NOTED_EVERY = timedelta(minutes=1)

_BIND = "update app.sessions set cookie_hash = %(hash)s where id = %(session_id)s"
_SEEN = "update app.sessions set last_seen_at = %(now)s where id = %(session_id)s"


def grant(_: Services, conn: Connection, __: UUID, session_id: UUID) -> dict[str, str]:
    """The secret of a new session's cookie; see `webapi.auth.logins.Grant`."""
    secret = opaque_tokens.new()
    conn.execute(_BIND, {"hash": opaque_tokens.digest(secret), "session_id": session_id})
    return {COOKIE: secret}


def caller() -> Principal | None:
    """Who shows the present page's cookie; None if nobody who is logged in. Found once a request."""
    if "page_caller" not in g:
        secret = request.cookies.get(NAME, "")
        is_possible = browser_sessions.is_possible(secret)
        g.page_caller = _find_once(secret) if is_possible else None
    principal: Principal | None = g.page_caller
    return principal


def _find_once(secret: str) -> Principal | None:
    """Who has it. Where the database was away a moment ago, a request does not wait for it a second time."""
    if "page_database_away" in g:
        raise g.page_database_away
    try:
        return _find(services(), secret)
    except errors.DATABASE_AWAY as error:
        g.page_database_away = error
        raise


def _find(work: Services, secret: str) -> Principal | None:
    now = work.clock()
    wanted = browser_sessions.parameters(secret, now, work.settings.refresh_idle_days)
    with work.database.connection_as(Scope.AUTHENTICATION) as conn:
        cursor = conn.cursor(row_factory=class_row(BrowserSession))
        session = cursor.execute(browser_sessions.FIND, wanted).fetchone()
        if session is None:
            return None
        if now - session.last_seen_at > _NOTED_EVERY:
            conn.execute(_SEEN, {"session_id": session.session_id, "now": now})
    g.page_preferences = session.currency, session.time_zone
    return Principal(session.session_id, session.user_id, session.role)


def find_if_possible() -> None:
    """Look who calls, for a page that must be made without a database, too: nobody, then."""
    try:
        caller()
    except errors.DATABASE_AWAY:
        forget()


def is_known() -> bool:
    """Whether the caller could be determined, also as nobody."""
    return "page_database_away" not in g


def currency() -> str | None:
    """In which currency the present page's reader wants sums; None where nothing was chosen."""
    return _preferences()[0]


def time_zone() -> str | None:
    """By which clock the present page's reader lives; None where nothing was chosen, outside of requests, too."""
    return _preferences()[1] if has_request_context() else None


def _preferences() -> tuple[str | None, str | None]:
    known: tuple[str | None, str | None] = (None, None)
    if caller() is not None:
        known = g.get("page_preferences", known)
    return known


def put(answer: Response, secret: str) -> Response:
    """Have the browser keep a new session; one that it had before ends."""
    end_present()
    days = services().settings.refresh_absolute_days
    answer.set_cookie(
        NAME, secret, max_age=days * 86_400, path="/", secure=True, httponly=True, samesite="Lax"
    )
    return answer


def drop(answer: Response) -> Response:
    """Log the browser out."""
    end_present()
    answer.delete_cookie(NAME, path="/", secure=True, httponly=True, samesite="Lax")
    return answer


def forget() -> None:
    """The caller is nobody from now on: the account is gone, and its sessions with it."""
    g.page_caller = None


def end_present() -> None:
    """End the session that the request's cookie names, if there is one."""
    present = caller()
    if present is None:
        return
    work = services()
    with work.database.connection_as(Scope.AUTHENTICATION) as conn:
        sessions.end(conn, present.session_id, "logout", work.clock())
        audit.record(conn, Event.LOGOUT, actor_id=present.user_id, target=str(present.session_id))
    work.sessions.bury(present.session_id)
    forget()
