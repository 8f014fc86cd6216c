"""Accounts as administrators see them: found, given a role, disabled, enabled; their sessions."""

from flask import Blueprint, Response, request

from webapi.admin import use_cases
from webapi.admin.schemas import UserChange, UsersQuery
from webapi.http.schema import check
from webapi.security import access, sessions
from webapi.services import services
from webui import rendering, requests
from webui.i18n import gettext
from webui.pages import flash_messages, query_parameters, submissions
from webui.pages.submissions import EMPTY, Submission
from webui.security.access import admin

web_admin_users = Blueprint("web_admin_users", __name__)


@web_admin_users.get("/admin/users")
@admin
def users() -> Response:
    """Accounts by part of their address, and by role; htmx gets the rows alone."""
    query = check(UsersQuery, query_parameters.given("q", "role", "cursor"))
    accounts, following = use_cases.accounts(query)
    return rendering.page(
        "admin/user_rows.html" if requests.is_part() else "admin/users.html",
        users=accounts,
        next_cursor=following,
        query=query,
    )


@web_admin_users.get("/admin/users/<user_id>")
@admin
def user(user_id: str) -> Response:
    """An account and its sessions."""
    return _page(user_id, EMPTY)


@web_admin_users.post("/admin/users/<user_id>")
@admin
def change(user_id: str) -> Response:
    """Give a role, disable, enable."""

    def act() -> Response:
        is_active = request.form.get("isActive")
        more = {} if is_active is None else {"isActive": is_active == "true"}
        use_cases.change(user_id, submissions.given(UserChange, **more))
        return flash_messages.lead_to(f"/admin/users/{user_id}", gettext("Changed."))

    return submissions.attempted(act, lambda form: _page(user_id, form))


@web_admin_users.post("/admin/users/<user_id>/end-sessions")
@admin
def end_sessions(user_id: str) -> Response:
    """End all sessions of an account."""
    use_cases.end_sessions(user_id)
    return flash_messages.lead_to(
        f"/admin/users/{user_id}", gettext("All its sessions have ended.")
    )


def _page(user_id: str, form: Submission) -> Response:
    work = services()
    with work.database.connection() as conn:
        account = use_cases.account(conn, user_id)
        opened = sessions.all_of(conn, account.id, work.clock())
    is_own = account.id == access.principal().user_id
    return rendering.page(
        "admin/user.html", user=account, sessions=opened, form=form, is_own=is_own
    )
