"""One's alerts: listed with what may keep them from firing, set, changed, paused, deleted; and how they fired."""

from typing import Any

from flask import Blueprint, Response, request

from coinsphere.alerts import repository
from coinsphere.alerts.repository import Alert
from coinsphere.alerts.rules import OF_PORTFOLIOS, AlertType, Condition
from coinsphere.notify.channels import repository as channels
from coinsphere.portfolio import portfolios
from webapi.alerts import use_cases
from webapi.alerts.schemas import AlertChange, AlertIn
from webapi.auth import proofs
from webapi.http.errors import Problem
from webapi.portfolios import scope
from webapi.services import services
from webui import rendering
from webui.i18n import gettext
from webui.pages import flash_messages, submissions, tokens
from webui.pages.submissions import EMPTY, Submission
from webui.security.access import signed_in

web_alerts = Blueprint("web_alerts", __name__)
_LIST = "/alerts"
_EVENTS = 100
_SHOWN = 12
_PREFILLED = ("alertType", "tokenSymbol", "condition", "threshold")


@web_alerts.get("/alerts")
@signed_in
def alerts() -> Response:
    """All alerts, each with what may keep it from firing or from being mailed."""
    with scope.connection() as conn:
        own_alerts = repository.list_for(conn, scope.user_id())
        warned = {each["id"]: each["warnings"] for each in use_cases.shown(conn, own_alerts)}
        names = {each.id: each.name for each in portfolios.list_for(conn, scope.user_id())}
    return rendering.page(
        "alerts/index.html",
        alerts=own_alerts,
        warned=warned,
        names=names,
        user=proofs.caller(services()),
    )


@web_alerts.get("/alerts/new")
@signed_in
def setting() -> Response:
    """The form for a new alert; a token's page fills in its symbol."""
    prefilled = {name: request.args[name] for name in _PREFILLED if name in request.args}
    return _form(None, Submission(prefilled))


@web_alerts.post("/alerts/new")
@signed_in
def create() -> Response:
    """Set an alert."""

    def act() -> Response:
        with scope.connection() as conn:
            tokens.require(conn, "tokenSymbol")
            use_cases.create(conn, submissions.given(AlertIn, _unneeded(), **_channels()))
        return flash_messages.lead_to(_LIST, gettext("The alert is set."))

    return submissions.attempted(act, lambda form: _form(None, form))


@web_alerts.post("/alerts/preview")
@signed_in
def preview() -> Response:
    """A part of the form: when the alert would have fired in the last 90 days."""
    try:
        with scope.connection() as conn:
            tokens.require(conn, "tokenSymbol")
            draft = submissions.given(AlertIn, _unneeded(), **_channels())
            past = use_cases.would_have_fired(conn, draft)
    except Problem as problem:
        if problem.code == "switched-off":
            raise
        return rendering.page("alerts/preview.html", form=submissions.of(problem), past=None)
    return rendering.page("alerts/preview.html", form=EMPTY, past=past, alert=draft, most=_SHOWN)


@web_alerts.get("/alerts/<alert_id>")
@signed_in
def alert(alert_id: str) -> Response:
    """An alert: its threshold, and each time it fired."""
    return _stored(alert_id, EMPTY)


@web_alerts.post("/alerts/<alert_id>")
@signed_in
def change(alert_id: str) -> Response:
    """Change an alert; it starts anew."""

    def act() -> Response:
        changes = submissions.given(AlertChange, **_channels())
        with scope.connection() as conn:
            use_cases.change(conn, alert_id, changes)
        return flash_messages.lead_to(_LIST, gettext("Changed. The alert starts anew."))

    return submissions.attempted(act, lambda form: _stored(alert_id, form))


@web_alerts.post("/alerts/<alert_id>/toggle")
@signed_in
def toggle(alert_id: str) -> Response:
    """Pause an alert, or let it go on."""
    with scope.connection() as conn:
        is_on = use_cases.toggle(conn, alert_id).is_active
    return flash_messages.lead_to(
        _LIST, gettext("It watches again.") if is_on else gettext("Paused.")
    )


@web_alerts.post("/alerts/<alert_id>/delete")
@signed_in
def delete(alert_id: str) -> Response:
    """Delete an alert and its history."""
    with scope.connection() as conn:
        use_cases.delete(conn, alert_id)
    return flash_messages.lead_to(_LIST, gettext("The alert is deleted."))


def _stored(alert_id: str, form: Submission) -> Response:
    with scope.connection() as conn:
        stored = use_cases.find(conn, alert_id)
        (shown,) = use_cases.shown(conn, [stored])
        fired = repository.events(conn, scope.user_id(), stored.id, _EVENTS)
    return _form(stored, form, fired=fired, warnings=shown["warnings"])


def _form(stored: Alert | None, form: Submission, **more: Any) -> Response:
    with scope.connection() as conn:
        known = tokens.all_of(conn)
        own = portfolios.list_for(conn, scope.user_id())
        own_channels = channels.list_for(conn, scope.user_id())
    template = "alerts/alert.html" if stored else "alerts/new.html"
    return rendering.page(
        template, stored=stored, form=form, tokens=known, portfolios=own, types=list(AlertType),
        conditions=list(Condition), own_channels=own_channels, **more,
    )  # fmt: skip


def _unneeded() -> frozenset[str]:
    """A form shows both subjects; the type says which one counts."""
    is_portfolio = request.form.get("alertType") in OF_PORTFOLIOS
    return frozenset(("tokenSymbol" if is_portfolio else "portfolioId", "channel"))


def _channels() -> dict[str, Any]:
    """What a form says in another way: an alert that ends on a day lives to the end of it, in UTC."""
    day = request.form.get("expiresAt", "")
    return {
        "channels": request.form.getlist("channels"),
        "channelIds": request.form.getlist("channelIds"),
        **submissions.whole("cooldownSeconds"),
        "expiresAt": f"{day}T23:59:59Z" if day else None,
    }
