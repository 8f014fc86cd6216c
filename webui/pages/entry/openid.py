"""Log in by the OpenID provider, and link an account there with one's own.

The provider leads back from another site, with which no strict cookie comes along. So its answer is taken by a page of ours
that goes on at once to the one that looks at it.
"""

from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Response, request

from webapi.auth import logins
from webapi.http import paths
from webapi.http.errors import Problem
from webapi.openid import use_cases
from webapi.security import access, limits, step_up
from webapi.services import services
from webui import rendering, requests
from webui.i18n import gettext
from webui.pages import flash_messages, submissions
from webui.pages.entry.second_step import ask_for_code, let_in, second
from webui.security import cookies, forms, tickets
from webui.security.access import anyone, signed_in

web_openid = Blueprint("web_openid", __name__)
_HOME, _PROFILE = "/dashboard", "/profile"
ANSWER = "/login/openid/answer"
_TOLD = ("code", "state", "iss")
_LONGEST = 4096


@web_openid.get("/login/openid")
@anyone
@limits.auth
def begin() -> Response:
    """Go to the provider, to log in there."""
    return _to_provider(requests.local(request.args.get("next"), _HOME), None)


@web_openid.get("/profile/openid")
@signed_in
@step_up.step_up
@limits.auth
def begin_link() -> Response:
    """Go to the provider, to link the account there with one's own."""
    return _to_provider(_PROFILE, access.principal().user_id)


@web_openid.post("/profile/openid/<identity_id>/remove")
@signed_in
@step_up.step_up
def unlink(identity_id: str) -> Response:
    """Let an account at the provider open one's own no more."""
    use_cases.unlink(services(), paths.uuid(identity_id, "identity"))
    return flash_messages.lead_to(_PROFILE, gettext("It opens your account no more."))


@web_openid.get(ANSWER)
@anyone
def answer() -> Response:
    """Where the provider leads back to; goes on from our own site."""
    parameters = {name: request.args[name][:_LONGEST] for name in _TOLD if name in request.args}
    return rendering.page(
        "entry/onward.html", address=f"/login/openid/finish?{urlencode(parameters)}"
    )


@web_openid.get("/login/openid/finish")
@anyone
@limits.auth
def finish() -> Response:
    """Look at the provider's answer: whom it lets in is logged in, or linked where that was wanted."""
    try:
        return _finished()
    except Problem as problem:
        page = rendering.page("entry/login.html", form=submissions.of(problem), wanted=_HOME)
        page.status_code = problem.status
        return page


def _to_provider(wanted: str, user_id: UUID | None) -> Response:
    work = services()
    back = f"{work.settings.pages_url}{ANSWER}"
    address = use_cases.begin(
        work, forms.browser(), redirect_uri=back, wanted=wanted, user_id=user_id
    )
    return requests.lead_to(address)


def _finished() -> Response:
    work, browser = services(), request.cookies.get(forms.COOKIE, "")
    begun = use_cases.take(work, browser, request.args.get("state", ""))
    who = use_cases.identity(
        work, begun, browser, request.args.get("code"), request.args.get("iss")
    )
    if begun.user_id is not None:
        caller = cookies.caller()
        use_cases.link(work, who, begun, None if caller is None else caller.user_id)
        return flash_messages.lead_to(_PROFILE, gettext("It opens your account from now on."))
    proved, wanted = use_cases.prove(work, who), begun.wanted
    if not proved.user.two_factor_enabled:
        return let_in(logins.with_password(work, proved, cookies.grant), wanted)
    ticket = tickets.issue(work, proved)
    return ask_for_code(ticket, wanted, lambda: second(proved, wanted, None, None))
