"""One's account: names, address, password, sessions."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import available_timezones

from flask import Blueprint, Response

from coinsphere.portfolio.imports.statements.record import MONEY
from webapi.account import preferences, use_cases
from webapi.account.preferences import Preferences
from webapi.account.schemas import ChangePasswordIn, PreferencesIn, ProfileIn
from webapi.auth import proofs
from webapi.http import paths
from webapi.http.errors import Problem
from webapi.openid import queries as openid
from webapi.security import access, limits, sessions, step_up
from webapi.services import services
from webapi.two_factor import queries as two_factor
from webui import rendering
from webui.i18n import gettext
from webui.pages import flash_messages, submissions
from webui.pages.submissions import EMPTY, Submission
from webui.security.access import signed_in

web_account = Blueprint("web_account", __name__)
_PAGE = "/profile"
_NAMES = ("firstName", "lastName")


@dataclass(frozen=True, slots=True)
class _Forms:
    """The forms of the page, by what each is for."""

    profile: Submission = EMPTY
    password: Submission = EMPTY
    preferences: Submission = EMPTY


@web_account.get("/profile")
@signed_in
def profile() -> Response:
    """The account and its sessions."""
    return _page(_Forms())


@web_account.post("/profile")
@signed_in
def change_profile() -> Response:
    """Change names or address; an emptied name is none."""
    try:
        changes = submissions.given(ProfileIn, **submissions.emptied(*_NAMES))
        _, pending = use_cases.change_profile(services(), changes)
    except Problem as problem:
        return _again(problem, "profile")
    if pending is not None and changes.email == pending:
        return flash_messages.lead_to(
            _PAGE, gettext("Follow the link that we sent to the new address.")
        )
    return flash_messages.lead_to(_PAGE, gettext("Saved."))


@web_account.post("/profile/preferences")
@signed_in
def change_preferences() -> Response:
    """Choose currency and time zone; an emptied one is what is usual."""
    try:
        chosen = submissions.given(PreferencesIn)
    except Problem as problem:
        return _again(problem, "preferences")
    with services().database.connection() as conn:
        preferences.keep(conn, access.principal().user_id, Preferences(**chosen.model_dump()))
    return flash_messages.lead_to(_PAGE, gettext("Saved."))


@web_account.post("/profile/password")
@signed_in
@limits.auth
def change_password() -> Response:
    """Replace the password; all other sessions end."""
    try:
        use_cases.change_password(services(), submissions.given(ChangePasswordIn))
    except Problem as problem:
        return _again(problem, "password")
    return flash_messages.lead_to(
        _PAGE, gettext("Your password is changed; all other sessions have ended.")
    )


@web_account.post("/profile/resend")
@signed_in
@limits.auth
def resend() -> Response:
    """Have the link sent once more that confirms one's address."""
    if use_cases.resend_verification(services()):
        return flash_messages.lead_to(_PAGE, gettext("The link is on its way."))
    return flash_messages.lead_to(_PAGE, gettext("Your address is confirmed already."))


@web_account.post("/profile/sessions/<session_id>/end")
@signed_in
@step_up.step_up
def end_session(session_id: str) -> Response:
    """End one session."""
    use_cases.end_session(services(), paths.uuid(session_id, "session"))
    return flash_messages.lead_to(_PAGE, gettext("That session has ended."))


@web_account.post("/profile/sessions/end-others")
@signed_in
@step_up.step_up
def end_other_sessions() -> Response:
    """End all sessions but this one."""
    use_cases.end_other_sessions(services())
    return flash_messages.lead_to(_PAGE, gettext("All other sessions have ended."))


def _again(problem: Problem, name: str) -> Response:
    if problem.code == "step-up":
        raise problem
    answer = _page(_Forms(**{name: submissions.of(problem)}))
    answer.status_code = problem.status
    answer.headers.extend(problem.headers)
    return answer


def _page(shown: _Forms) -> Response:
    work, caller = services(), access.principal()
    user = proofs.caller(work)
    with work.database.connection() as conn:
        values: dict[str, Any] = {
            "sessions": sessions.all_of(conn, user.id, work.clock()),
            "factors": two_factor.state(conn, user.id),
            "identities": openid.of_user(conn, user.id),
            "chosen": preferences.of(conn, user.id),
            "pending": use_cases.pending_email(work, conn, user),
        }
    return rendering.page(
        "account/profile.html",
        user=user,
        forms=shown,
        current=caller.session_id,
        currencies=sorted(MONEY),
        zones=sorted(available_timezones()),
        **values,
    )
