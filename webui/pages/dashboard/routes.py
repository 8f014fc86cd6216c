"""The first page of who is logged in: what one has now, how that came, what asks for attention."""

from typing import Any

from flask import Blueprint, Response

from webapi.auth import proofs
from webapi.features import Feature, switches
from webapi.portfolios import scope
from webapi.services import services
from webui import rendering, requests
from webui.pages.dashboard import worth
from webui.security.access import signed_in

web_dashboard = Blueprint("web_dashboard", __name__)


@web_dashboard.get("/dashboard")
@signed_in
def dashboard() -> Response:
    """What one has, and what to do next; htmx gets again and again what changes by itself."""
    work = services()
    values: dict[str, Any] = {"worth": None, "fired": [], "issues": []}
    with scope.connection() as conn:
        if switches().is_on(Feature.PORTFOLIOS):
            values["worth"] = worth.now(conn, scope.user_id())
            if requests.is_part():
                return rendering.page("dashboard/now.html", **values)
            values["series"] = worth.history(conn, scope.user_id(), values["worth"].currency)
            values["issues"] = worth.open_issues(conn, scope.user_id(), values["worth"].ids)
        if switches().is_on(Feature.ALERTS):
            values["fired"] = worth.fired(conn, scope.user_id())
    user = proofs.caller(work)
    return rendering.page("dashboard/index.html", user=user, **values)
