"""One's data: all of it to take away, or to have deleted."""

from flask import Blueprint, Response

from webapi.account import personal_data
from webapi.account.schemas import DeleteIn, UsageIn
from webapi.auth import proofs
from webapi.http.errors import Problem
from webapi.security import limits, step_up
from webapi.services import services
from webui import rendering
from webui.i18n import gettext
from webui.pages import flash_messages, submissions
from webui.pages.submissions import EMPTY, Submission
from webui.security import cookies
from webui.security.access import signed_in

web_data = Blueprint("web_data", __name__)
_PAGE = "/profile/data"


@web_data.get("/profile/data")
@signed_in
def data() -> Response:
    """What can be taken away, and the end of the account."""
    return _page(EMPTY)


@web_data.get("/profile/data/export")
@signed_in
@step_up.step_up
@limits.auth
def export() -> Response:
    """Everything that is stored of the account, as a file."""
    answer = Response(personal_data.exported(services()), mimetype="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="{personal_data.FILE_NAME}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


@web_data.post("/profile/data/usage")
@signed_in
def change_usage() -> Response:
    """Allow that product events are kept, or take that back."""
    personal_data.share_usage(services(), is_shared=submissions.given(UsageIn).shared)
    return flash_messages.lead_to(_PAGE, gettext("Saved."))


@web_data.post("/profile/data/delete")
@signed_in
@limits.auth
def delete() -> Response:
    """Delete the account, at once and for good."""
    work = services()
    try:
        personal_data.delete(work, submissions.given(DeleteIn))
    except Problem as problem:
        is_code = problem.code == "two-factor"
        answer = _page(submissions.of_code(problem) if is_code else submissions.of(problem))
        answer.status_code = problem.status
        answer.headers.extend(problem.headers)
        return answer
    cookies.forget()
    return cookies.drop(rendering.page("account/gone.html"))


def _page(form: Submission) -> Response:
    work = services()
    return rendering.page(
        "account/data.html",
        form=form,
        user=proofs.caller(work),
        shared_since=personal_data.usage_shared_since(work),
    )
