"""The second step of a login, after a password or an OpenID provider: a second factor where there is one, and the session."""

from flask import Response, request

from webapi.auth import logins
from webapi.http.errors import Problem
from webapi.passkeys.schemas import AssertionIn
from webapi.services import services
from webui import rendering, requests
from webui.pages import submissions
from webui.security import cookies


def second(
    proved: logins.Proved, wanted: str, code: str | None, answer: AssertionIn | None
) -> Response:
    """Log in with a second factor. Raises `errors.Problem`, see `logins.with_second_factor`."""
    opened = logins.with_second_factor(services(), proved, code, answer, cookies.grant)
    return let_in(opened, wanted)


def ask_for_code(ticket: str, wanted: str, act: submissions.Act) -> Response:
    """The page for the code, unless `act` gets on without. That a first code is missing is nobody's mistake."""
    try:
        return act()
    except Problem as problem:
        is_first = "ticket" not in request.form
        form = submissions.EMPTY if is_first else submissions.of_code(problem)
        answer = rendering.page(
            "entry/code.html", form=form, wanted=wanted, ticket=ticket,
            asked=problem.extra.get("passkey"),
        )  # fmt: skip
        answer.status_code = problem.status
        return answer


def let_in(opened: logins.Opened, wanted: str) -> Response:
    """Give the browser its session, and go where it wanted to."""
    services().sessions.bury(*opened.ended)
    return cookies.put(requests.lead_to(wanted), opened.answer[cookies.COOKIE])
