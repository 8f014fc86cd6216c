"""Light or dark, and in which language: kept in cookies, so a page is right before any script runs."""

from flask import Blueprint, Response, request

from coinsphere.db.owner import Scope
from coinsphere.i18n import LANGUAGES
from webapi.auth import queries
from webapi.services import services
from webui import i18n, rendering, requests
from webui.security import cookies
from webui.security.access import anyone

web_appearance = Blueprint("web_appearance", __name__)
_A_YEAR = 365 * 86_400


@web_appearance.post("/theme")
@anyone
def change_theme() -> Response:
    """Keep what was chosen, and go back to where it was."""
    chosen = request.form.get("theme", "")
    answer = requests.lead_to(requests.local(request.form.get("next")))
    return (
        _keeping(answer, rendering.THEME_COOKIE, chosen) if chosen in rendering.THEMES else answer
    )


@web_appearance.post("/language")
@anyone
def change_language() -> Response:
    """Speak that language from now on, in mails, too, and go back to where it was."""
    chosen = request.form.get("language", "")
    answer = requests.lead_to(requests.local(request.form.get("next")))
    if chosen not in LANGUAGES:
        return answer
    caller = cookies.caller()
    if caller is not None:
        with services().database.connection_as(Scope.AUTHENTICATION) as conn:
            queries.speak(conn, caller.user_id, chosen)
    return _keeping(answer, i18n.COOKIE, chosen)


def _keeping(answer: Response, name: str, value: str) -> Response:
    answer.set_cookie(
        name, value, max_age=_A_YEAR, path="/", secure=True, samesite="Lax", httponly=True
    )
    return answer
