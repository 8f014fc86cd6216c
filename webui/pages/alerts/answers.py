"""Where a mail about an alert leads: whether it was useful. The link says who answers, so nobody logs in."""

from typing import Annotated

from flask import Blueprint, Response, request
from pydantic import Field, StringConstraints

from coinsphere.alerts import verdicts
from coinsphere.db.owner import Scope, act_for
from webapi.http import errors
from webapi.http.schema import Input, Line
from webapi.security import limits
from webapi.services import services
from webui import rendering
from webui.i18n import gettext
from webui.pages import submissions
from webui.pages.submissions import EMPTY, Submission
from webui.security.access import anyone

web_alert_answers = Blueprint("web_alert_answers", __name__)
_PAGE = "/alerts/useful"
Token = Annotated[Line, StringConstraints(min_length=1, max_length=100)]


class AnswerIn(Input):
    """What somebody says of the mail that the link stood in."""

    token: Token
    is_useful: bool = Field(description="What they say.")


@web_alert_answers.get(_PAGE)
@anyone
def asked() -> Response:
    """Two buttons, as programs that look into mails follow links too."""
    return _page(EMPTY, request.args.get("token", ""))


@web_alert_answers.post(_PAGE)
@anyone
@limits.auth
def answer() -> Response:
    """Note what is said."""

    def act() -> Response:
        _note(submissions.given(AnswerIn))
        return rendering.page(
            "entry/told.html",
            title=gettext("Thank you"),
            text=gettext("Your answer is noted. The first one counts."),
        )

    return submissions.attempted(act, lambda form: _page(form, request.form.get("token", "")))


def _note(verdict: AnswerIn) -> None:
    """Raises `errors.Problem`: 400, nobody was sent that link, or the alert is gone."""
    work = services()
    with work.database.connection_as(Scope.AUTHENTICATION) as conn:
        user_id = verdicts.owner(conn, verdict.token)
        if user_id is None:
            raise errors.Problem(
                400, "the link is not valid",
                detail="This link is not valid, or the alert was deleted.", code="bad-link",
            )  # fmt: skip
        act_for(conn, user_id)
        verdicts.answer(conn, verdict.token, user_id, work.clock(), is_useful=verdict.is_useful)


def _page(form: Submission, token: str) -> Response:
    return rendering.page("alerts/useful.html", form=form, token=token)
