"""Pages to register, log in, prove who one is again and log out, and those that links in mails lead to."""

from typing import Any

from flask import Blueprint, Response, request

from webapi.account import use_cases
from webapi.account.schemas import ForgotPasswordIn, ResetPasswordIn, VerifyEmailIn
from webapi.auth import logins, proofs, registration
from webapi.auth.schemas import LoginIn, RegisterIn, StepUpIn
from webapi.passkeys import use_cases as passkeys
from webapi.passkeys.schemas import AssertionIn
from webapi.security import limits
from webapi.services import services
from webui import rendering, requests
from webui.i18n import gettext
from webui.pages import passkey_answers, submissions
from webui.pages.entry.second_step import ask_for_code, let_in, second
from webui.security import cookies, tickets
from webui.security.access import anyone, signed_in

web_auth = Blueprint("web_auth", __name__)
_HOME = "/dashboard"


@web_auth.get("/register")
@anyone
def register_form() -> Response:
    """The form for a new account; who is logged in has one."""
    if cookies.caller() is not None:
        return requests.lead_to(_HOME)
    return rendering.page("entry/register.html", form=submissions.EMPTY)


@web_auth.post("/register")
@anyone
@limits.auth
def register() -> Response:
    """Open an account, and go on into it."""

    def act() -> Response:
        opened = registration.register(services(), submissions.given(RegisterIn), cookies.grant)
        if opened is None:
            return _told(
                gettext("Look into your mail"),
                gettext("We sent a link to your address. Follow it, then log in."),
            )
        return cookies.put(requests.lead_to(_HOME), opened.answer[cookies.COOKIE])

    return submissions.answered(act, "entry/register.html")


@web_auth.get("/login")
@anyone
def login_form() -> Response:
    """The form to log in; who is logged in already goes on."""
    wanted = requests.local(request.args.get("next"), _HOME)
    if cookies.caller() is not None:
        return requests.lead_to(wanted)
    return rendering.page("entry/login.html", form=submissions.EMPTY, wanted=wanted)


@web_auth.post("/login")
@anyone
@limits.auth
def login() -> Response:
    """Log in; where a second factor is needed, its page comes next."""
    work = services()
    wanted = requests.local(request.args.get("next"), _HOME)

    def act() -> Response:
        credentials = submissions.given(LoginIn)
        proved = logins.prove_password(work, credentials.email, credentials.password)
        if not proved.user.two_factor_enabled:
            return let_in(logins.with_password(work, proved, cookies.grant), wanted)
        return ask_for_code(
            tickets.issue(work, proved), wanted, lambda: second(proved, wanted, None, None)
        )

    return submissions.answered(act, "entry/login.html", wanted=wanted)


@web_auth.post("/login/code")
@anyone
@limits.auth
def login_code() -> Response:
    """The second page of a login: a code of the authenticator app, or one for recovery."""
    wanted = requests.local(request.args.get("next"), _HOME)
    ticket = request.form.get("ticket", "")
    proved = tickets.redeem(services(), ticket)
    if proved is None:
        return requests.lead_to("/login")
    code = request.form.get("twoFactorToken", "").strip()
    answer = None if code else passkey_answers.assertion()
    return ask_for_code(ticket, wanted, lambda: second(proved, wanted, code or None, answer))


@web_auth.post("/login/passkey/options")
@anyone
@limits.auth
def passkey_options() -> dict[str, Any]:
    """What the browser has to ask a passkey for a login by it alone."""
    return passkeys.asked_for_login(services())


@web_auth.post("/login/passkey")
@anyone
@limits.auth
def login_by_passkey() -> Response:
    """Log in by a passkey alone: neither password nor code is asked for."""
    wanted = requests.local(request.args.get("next"), _HOME)

    def act() -> Response:
        assertion = submissions.given(AssertionIn, **passkey_answers.credential())
        return let_in(passkeys.log_in(services(), assertion, cookies.grant), wanted)

    return submissions.answered(act, "entry/login.html", wanted=wanted)


@web_auth.post("/logout")
@anyone
def logout() -> Response:
    """End the session of this browser."""
    return cookies.drop(requests.lead_to("/"))


@web_auth.get("/step-up")
@signed_in
def step_up_form() -> Response:
    """Asked for before what a session alone does not suffice for."""
    wanted = requests.local(request.args.get("next"), _HOME)
    return rendering.page("entry/step_up.html", form=submissions.EMPTY, wanted=wanted)


@web_auth.post("/step-up")
@signed_in
@limits.auth
def step_up() -> Response:
    """Take the password or a code, and go back to what was wanted."""
    wanted = requests.local(request.args.get("next"), _HOME)

    def act() -> Response:
        proofs.prove(services(), submissions.given(StepUpIn))
        return requests.lead_to(wanted)

    return submissions.answered(act, "entry/step_up.html", wanted=wanted)


@web_auth.get("/verify-email")
@anyone
def verify_email_form() -> Response:
    """Where a mail's link leads: one button, as programs that look into mails follow links too."""
    token = request.args.get("token", "")
    return rendering.page("entry/verify_email.html", form=submissions.EMPTY, token=token)


@web_auth.post("/verify-email")
@anyone
@limits.auth
def verify_email() -> Response:
    """Confirm the address."""

    def act() -> Response:
        use_cases.verify_email(services(), submissions.given(VerifyEmailIn))
        return _told(
            gettext("Your address is confirmed"),
            gettext("Alerts and letters about your account reach you from now on."),
        )

    token = request.form.get("token", "")
    return submissions.answered(act, "entry/verify_email.html", token=token)


@web_auth.get("/forgot-password")
@anyone
def forgot_form() -> Response:
    """The form to have a link sent."""
    return rendering.page("entry/forgot_password.html", form=submissions.EMPTY)


@web_auth.post("/forgot-password")
@anyone
@limits.auth
def forgot() -> Response:
    """Have a link sent; what is answered is the same for every address."""

    def act() -> Response:
        use_cases.request_reset(services(), submissions.given(ForgotPasswordIn))
        return _told(
            gettext("Look into your mail"),
            gettext(
                "If the address has an account, a link to choose a new password is on its way."
            ),
        )

    return submissions.answered(act, "entry/forgot_password.html")


@web_auth.get("/reset-password")
@anyone
def reset_form() -> Response:
    """Where a mail's link leads."""
    token = request.args.get("token", "")
    return rendering.page("entry/reset_password.html", form=submissions.EMPTY, token=token)


@web_auth.post("/reset-password")
@anyone
@limits.auth
def reset() -> Response:
    """Choose the new password; every session of the account ends, this browser's too."""

    def act() -> Response:
        use_cases.reset_password(services(), submissions.given(ResetPasswordIn))
        return _told(
            gettext("Your password is changed"),
            gettext("All sessions of your account have ended. Log in with the new password."),
        )

    token = request.form.get("token", "")
    return submissions.answered(act, "entry/reset_password.html", token=token)


def _told(title: str, text: str) -> Response:
    return rendering.page("entry/told.html", title=title, text=text)
