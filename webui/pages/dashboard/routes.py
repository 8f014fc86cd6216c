"""The dashboard: what all portfolios are worth, how that came, and what needs attention."""

from typing import Any

from flask import Blueprint, Response, request
from psycopg import Connection

from coinsphere.analytics.events import DashboardViewed
from webapi.alerts import use_cases
from webapi.analytics.happenings import happened
from webapi.auth import proofs
from webapi.features import Feature, switches
from webapi.http import errors
from webapi.portfolios import scope
from webapi.security import limits
from webapi.services import services
from webui import rendering, requests
from webui.pages.dashboard import portfolio_forecast, summary, syncing
from webui.security.access import signed_in

web_dashboard = Blueprint("web_dashboard", __name__)


@web_dashboard.get("/dashboard")
@signed_in
def dashboard() -> Response:
    """What one has, and what to do next; htmx gets again and again the part that changed."""
    if requests.is_part():
        return _part(request.args.get("part", "now"))
    with scope.connection() as conn:
        values = {**_worth(conn), **_fired(conn), "series": None, "issues": [], "syncing": []}
        if values["worth"] is not None:
            values["series"] = summary.history(conn, scope.user_id(), values["worth"].currency)
            values["issues"] = summary.open_issues(conn, scope.user_id())
            values["syncing"] = syncing.now(conn, scope.user_id())
        values["user"] = proofs.account(conn)
        happened(conn, DashboardViewed())
    return rendering.page("dashboard/index.html", **values)


@web_dashboard.get("/dashboard/outlook")
@signed_in
@limits.weighs(5)
def range_ahead() -> Response:
    """The forecast of the largest portfolio; htmx loads it after the page, as it takes time to compute."""
    forecast = None
    with scope.connection() as conn:
        if switches().is_on(Feature.PORTFOLIOS):
            summaries = summary.now(conn, scope.user_id()).body["portfolios"]
            forecast = portfolio_forecast.of_largest(
                conn, scope.user_id(), summaries, services().clock()
            )
    return rendering.page("dashboard/outlook.html", outlook=forecast, is_wide=False)


@web_dashboard.get("/dashboard/fired/<alert_id>")
@signed_in
def fired(alert_id: str) -> Response:
    """The notice that an alert has just fired, which every open page shows."""
    with scope.connection() as conn:
        return rendering.page("dashboard/fired_now.html", alert=use_cases.find(conn, alert_id))


def _part(name: str) -> Response:
    parts = {"now": _worth, "fired": _fired, "syncing": _syncing}
    if name not in parts:
        raise errors.not_found("part")
    with scope.connection() as conn:
        return rendering.page(f"dashboard/{name}.html", **parts[name](conn))


def _worth(conn: Connection) -> dict[str, Any]:
    is_on = switches().is_on(Feature.PORTFOLIOS)
    return {"worth": summary.now(conn, scope.user_id()) if is_on else None}


def _fired(conn: Connection) -> dict[str, Any]:
    is_on = switches().is_on(Feature.ALERTS)
    return {"fired": summary.fired(conn, scope.user_id()) if is_on else []}


def _syncing(conn: Connection) -> dict[str, Any]:
    return {"syncing": syncing.now(conn, scope.user_id())}
