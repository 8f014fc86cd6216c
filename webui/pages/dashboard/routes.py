"""The first page of who is logged in."""

from flask import Blueprint, Response

from webapi.auth import proofs
from webapi.services import services
from webui import rendering
from webui.security.access import signed_in

web_dashboard = Blueprint("web_dashboard", __name__)


@web_dashboard.get("/dashboard")
@signed_in
def dashboard() -> Response:
    """What one has, and what to do next."""
    return rendering.page("dashboard/index.html", user=proofs.caller(services()))
