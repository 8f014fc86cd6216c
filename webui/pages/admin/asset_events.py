"""What happened to tokens' names and units: listed, recorded, removed, by the acts of `/admin/asset-events` of the API."""

from flask import Blueprint, Response, request

from coinsphere.market.reference.asset_events import AssetEvent
from webapi.admin.asset_events import use_cases
from webapi.admin.asset_events.schemas import AssetEventIn, AssetEventsQuery, RemovalIn
from webapi.http.errors import Problem
from webapi.http.schema import check
from webapi.security import access
from webapi.security.step_up import step_up
from webapi.services import services
from webui import rendering
from webui.i18n import gettext
from webui.pages import flash_messages, query_parameters, submissions, tokens
from webui.pages.submissions import EMPTY, Submission
from webui.security.access import admin, analyst

web_admin_asset_events = Blueprint("web_admin_asset_events", __name__)
_PAGE = "/admin/asset-events"
_NOT_FOUND = 404


@web_admin_asset_events.get(_PAGE)
@analyst
def asset_events() -> Response:
    """Events that count, of one token or of all; those that were removed where they are asked for."""
    return _page(EMPTY)


@web_admin_asset_events.post(_PAGE)
@admin
@step_up
def add() -> Response:
    """Record what happened to a token."""

    def act() -> Response:
        with services().database.connection() as conn:
            tokens.require(conn, "token", "successor", known=tokens.is_on_record)
        use_cases.add(submissions.given(AssetEventIn, **_instant()))
        return flash_messages.lead_to(
            _PAGE, gettext("It is recorded; listings, alerts and books follow within five minutes.")
        )

    return submissions.attempted(act, _page)


@web_admin_asset_events.post(f"{_PAGE}/<event_id>/remove")
@admin
@step_up
def remove(event_id: str) -> Response:
    """Let an event count no more."""

    def act() -> Response:
        use_cases.remove(event_id, submissions.given(RemovalIn).reason)
        return flash_messages.lead_to(_PAGE, gettext("It counts no more; books follow."))

    return submissions.attempted(act, _page)


def _instant() -> dict[str, str]:
    """A new unit counts from a midnight in UTC, so this field has no other clock."""
    entered = request.form.get("happenedAt", "")
    return {"happenedAt": f"{entered}Z"} if entered else {}


def _page(form: Submission) -> Response:
    query = check(AssetEventsQuery, query_parameters.given("token", "past"))
    with services().database.connection() as conn:
        offered = tokens.all_of(conn)
    return rendering.page(
        "admin/asset_events.html",
        events=_found(query),
        tokens=offered,
        query=query,
        form=form,
        may_change=access.principal().role == "admin",
    )


def _found(query: AssetEventsQuery) -> list[AssetEvent] | None:
    """The newest first; None where no token has that name."""
    try:
        return use_cases.listed(query)[::-1]
    except Problem as problem:
        if problem.status != _NOT_FOUND:
            raise
        return None
