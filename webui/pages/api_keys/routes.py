"""One's API keys: made and shown once, listed, replaced, ended."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, request

from webapi.api_keys import queries, use_cases
from webapi.api_keys.schemas import KeyIn, RotateIn
from webapi.api_keys.scopes import SIGNED, KeyScope
from webapi.api_keys.use_cases import IssuedKey
from webapi.security import access, step_up
from webapi.services import services
from webui import rendering
from webui.i18n import gettext
from webui.pages import flash_messages, submissions
from webui.pages.submissions import EMPTY, Submission
from webui.security.access import signed_in

web_api_keys = Blueprint("web_api_keys", __name__)
_PAGE = "/profile/api-keys"
_LIVES = ("30", "90", "365")


@web_api_keys.get("/profile/api-keys")
@signed_in
def keys() -> Response:
    """All live keys, and the form for another."""
    return _page(EMPTY)


@web_api_keys.post("/profile/api-keys")
@signed_in
@step_up.step_up
def create() -> Response:
    """Make a key and show it, this once."""

    def act() -> Response:
        return _page(EMPTY, use_cases.create(services(), _given()))

    return submissions.attempted(act, _page)


@web_api_keys.post("/profile/api-keys/<key_id>/rotate")
@signed_in
@step_up.step_up
def rotate(key_id: str) -> Response:
    """Make a key in the place of another, which lives on for a day."""

    def act() -> Response:
        return _page(EMPTY, use_cases.rotate(services(), key_id, RotateIn()))

    return submissions.attempted(act, _page)


@web_api_keys.post("/profile/api-keys/<key_id>/revoke")
@signed_in
def revoke(key_id: str) -> Response:
    """End a key at once."""
    use_cases.revoke(services(), key_id)
    return flash_messages.lead_to(_PAGE, gettext("The key is dead from now on."))


def _given() -> KeyIn:
    """The form; networks stand one a line, and how long it lives instead of when it ends."""
    life = request.form.get("life", "")
    more: dict[str, Any] = {
        "scopes": request.form.getlist("scopes"),
        "allowedNetworks": request.form.get("allowedNetworks", "").split(),
    }
    if life in _LIVES:
        more["expiresAt"] = services().clock() + timedelta(days=int(life))
    return submissions.given(KeyIn, {"life"}, **more)


def _page(form: Submission, issued: IssuedKey | None = None) -> Response:
    work = services()
    with work.database.connection() as conn:
        own_keys = queries.all_of(conn, access.principal().user_id, work.clock())
    return rendering.page(
        "account/api_keys.html", form=form, keys=own_keys, made=issued, scopes=list(KeyScope),
        signed=SIGNED, chosen=request.form.getlist("scopes"),
    )  # fmt: skip
