"""The first page: what this is, shown by the thing itself."""

from datetime import timedelta

from flask import Blueprint, Response
from markupsafe import Markup

from webapi.health import probes
from webapi.services import services
from webapi.tokens import history, queries
from webui import charts, rendering, requests
from webui.i18n import locale
from webui.pages import forecasts
from webui.security import cookies
from webui.security.access import anyone

web_front = Blueprint("web_front", __name__)
_SHOWN = "BTC"
_PAST = timedelta(days=45)
_NEEDS = {
    "pages": ("postgres", "connections", "disk"),
    "prices": ("data", "schedules", "orchestrator", "daemon"),
    "live": ("stream",),
    "forecasts": ("ml",),
    "work": ("worker", "jobs"),
    "backups": ("backups",),
}
"""What of `/health` each thing that people do needs; what else it names is felt by operators alone."""


@web_front.get("/")
@anyone
def front() -> Response:
    """For people without an account; who has one is led to the dashboard."""
    if cookies.caller() is not None:
        return requests.lead_to("/dashboard")
    # Everybody sees the same picture: it is made once in a while, not for each.
    page = services().pages.page("web-front", locale(), _live)
    live = Markup(page.body.decode())  # noqa: S704 - rendered by a template  # nosec B704
    return rendering.page("front/index.html", live=live)


@web_front.get("/status")
@anyone
def status() -> Response:
    """Whether each thing that people do here works at the moment."""
    work = services()
    states, _ = probes.states(work)
    parts = {part: all(states[name] for name in needed) for part, needed in _NEEDS.items()}
    return rendering.page("front/status.html", parts=parts, at=work.clock())


@web_front.get("/offline")
@anyone
def offline() -> Response:
    """What the service worker shows where there is no network and nothing was kept; it holds nothing of anybody."""
    return rendering.page("front/offline.html")


def _live() -> bytes:
    """The part that lives: a price, its forecast, and how good forecasts were."""
    work = services()
    with work.database.connection() as conn:
        token = queries.by_symbol(conn, _SHOWN)
        past = history.points(conn, token.id, _PAST, may_be_finer=False) if token else []
        fared = forecasts.measured(conn, token, work.clock()) if token else None
    fan = forecasts.fan(work, token)[0] if token else None
    closes = [(point.opened_at, point.close) for point in past]
    picture = charts.fan(closes, fan.points) if fan is not None else None
    answer = rendering.page("front/live.html", token=token, fan=fan, picture=picture, fared=fared)
    return answer.get_data()
