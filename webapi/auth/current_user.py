"""The caller's own account."""

from typing import Any

from webapi.auth import queries
from webapi.security import access, access_tokens
from webapi.services import services


def current_user() -> dict[str, Any]:
    """The caller's account as `MeOut` takes it. Raises `errors.Problem` with status 401 where it is gone."""
    work = services()
    with work.database.reading() as conn, work.database.asking(conn):
        asked = queries.ask_account(conn, access.principal().user_id, work.clock())
    account = asked.fetchone()
    if account is None:
        raise access_tokens.unauthorized("the account is gone")
    return {"user": account, "sessions": account.sessions}
