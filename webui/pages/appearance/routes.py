"""Light or dark: kept in a cookie, so a page is right before any script runs."""

from flask import Blueprint, Response, request

from webui import rendering, requests
from webui.security.access import anyone

web_appearance = Blueprint("web_appearance", __name__)
_A_YEAR = 365 * 86_400


@web_appearance.post("/theme")
@anyone
def change_theme() -> Response:
    """Keep what was chosen, and go back to where it was."""
    chosen = request.form.get("theme", "")
    answer = requests.lead_to(requests.local(request.form.get("next")))
    if chosen in rendering.THEMES:
        answer.set_cookie(
            rendering.THEME_COOKIE, chosen, max_age=_A_YEAR, path="/", secure=True, samesite="Lax",
            httponly=True,
        )  # fmt: skip
    return answer
