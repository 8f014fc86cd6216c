"""What protects an account beside its password: an authenticator app, recovery codes, passkeys."""

from typing import Any

from flask import Blueprint, Response

from webapi.auth import proofs
from webapi.passkeys import queries as passkeys
from webapi.passkeys import use_cases as passkey_use_cases
from webapi.passkeys.schemas import RegistrationIn
from webapi.security import access, limits, step_up
from webapi.services import services
from webapi.two_factor import codes, queries, use_cases
from webapi.two_factor.schemas import DisableIn, RegenerateIn, VerifyIn
from webui import rendering
from webui.i18n import gettext
from webui.pages import flash_messages, passkey_answers, submissions
from webui.pages.submissions import EMPTY, Submission
from webui.security.access import signed_in

web_second_factors = Blueprint("web_second_factors", __name__)
_PAGE = "/profile/security"


@web_second_factors.get("/profile/security")
@signed_in
def security() -> Response:
    """Which second factors the account has, and what can be done with them."""
    return _page(EMPTY)


@web_second_factors.get("/profile/security/app")
@signed_in
@step_up.step_up
def adding_app() -> Response:
    """How an authenticator app is added; a secret that waits for its first code is shown again."""
    return _app(use_cases.pending(services()), EMPTY)


@web_second_factors.post("/profile/security/app")
@signed_in
@step_up.step_up
def begin_app() -> Response:
    """Make a new secret and show it as a QR code."""
    return _app(use_cases.set_up(services()), EMPTY)


@web_second_factors.post("/profile/security/app/confirm")
@signed_in
@step_up.step_up
@limits.auth
def confirm_app() -> Response:
    """Turn the authenticator app on by its first code; recovery codes are shown this once."""

    def act() -> Response:
        recovery_codes = use_cases.enable(services(), submissions.given(VerifyIn))
        return _codes(recovery_codes, gettext("Your authenticator app protects your account"))

    return submissions.attempted(act, lambda form: _app(use_cases.pending(services()), form))


@web_second_factors.post("/profile/security/app/remove")
@signed_in
@limits.auth
def remove_app() -> Response:
    """Forget the authenticator app, by password and code."""

    def act() -> Response:
        use_cases.disable(services(), submissions.given(DisableIn))
        return flash_messages.lead_to(_PAGE, gettext("The authenticator app counts no more."))

    return submissions.attempted(act, _page)


@web_second_factors.post("/profile/security/codes")
@signed_in
@step_up.step_up
@limits.auth
def renew_codes() -> Response:
    """New recovery codes in place of the old ones, shown this once."""

    def act() -> Response:
        recovery_codes = use_cases.renew_codes(services(), RegenerateIn())
        return _codes(recovery_codes, gettext("New recovery codes"))

    return submissions.attempted(act, _page)


@web_second_factors.get("/profile/security/passkeys/new")
@signed_in
@step_up.step_up
def adding_passkey() -> Response:
    """The form for a new passkey."""
    return rendering.page("security/passkey.html", form=EMPTY)


@web_second_factors.post("/profile/security/passkeys/options")
@signed_in
@step_up.step_up
@limits.auth
def passkey_options() -> dict[str, Any]:
    """What the browser has to ask an authenticator for a new passkey."""
    return passkey_use_cases.registration(services())


@web_second_factors.post("/profile/security/passkeys/new")
@signed_in
@step_up.step_up
@limits.auth
def add_passkey() -> Response:
    """Keep a passkey; with the first second factor come recovery codes, shown this once."""

    def act() -> Response:
        registration = submissions.given(RegistrationIn, **passkey_answers.credential())
        added = passkey_use_cases.add(services(), registration)
        text = gettext("Your passkey is ready")
        return (
            flash_messages.lead_to(_PAGE, f"{text}.")
            if added.codes is None
            else _codes(added.codes, text)
        )

    return submissions.answered(act, "security/passkey.html")


@web_second_factors.post("/profile/security/passkeys/<passkey_id>/remove")
@signed_in
@step_up.step_up
def remove_passkey(passkey_id: str) -> Response:
    """Remove a passkey."""
    passkey_use_cases.remove(services(), passkey_id)
    return flash_messages.lead_to(
        _PAGE, gettext("The passkey is removed; all other sessions have ended.")
    )


def _page(form: Submission) -> Response:
    user_id = access.principal().user_id
    with services().database.connection() as conn:
        state = queries.state(conn, user_id)
        known = passkeys.all_of(conn, user_id)
    return rendering.page("security/index.html", form=form, state=state, passkeys=known)


def _app(secret: str | None, form: Submission) -> Response:
    if secret is None:
        return rendering.page("security/app.html", form=form, secret=None, picture=None)
    address = codes.address_of(secret, proofs.caller(services()).email)
    return rendering.page(
        "security/app.html", form=form, secret=secret, picture=codes.squares(address), address=address
    )  # fmt: skip


def _codes(recovery_codes: list[str], title: str) -> Response:
    return rendering.page("security/codes.html", codes=recovery_codes, title=title)
