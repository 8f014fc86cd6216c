"""The state of market data: what there is, what was set aside or refused, and what an administrator decides of it."""

from collections.abc import Callable

from flask import Blueprint, Response

from webapi.admin import use_cases as administration
from webapi.admin.data import health as data_health
from webapi.admin.data import use_cases
from webapi.admin.data.schemas import DecisionIn, HealthQuery, ListQuery
from webapi.admin.schemas import Cursor
from webapi.http.schema import Query, check
from webapi.security import access
from webapi.security.step_up import step_up
from webapi.services import services
from webui import rendering
from webui.i18n import gettext, ngettext
from webui.pages import flash_messages, query_parameters, submissions
from webui.pages.admin import heat_map
from webui.pages.admin.heat_map import Measure
from webui.pages.submissions import EMPTY, Submission
from webui.security.access import admin, analyst

web_admin_data = Blueprint("web_admin_data", __name__)
_PAGE = "/admin/data"


class MapQuery(Query):
    """Of the heat map: what it measures, and which page of tokens."""

    measure: Measure = Measure.COMPLETENESS
    page: Cursor | None = None


@web_admin_data.get(_PAGE)
@analyst
def data() -> Response:
    """What the tables hold, and what waits for a decision."""
    return _page(EMPTY)


@web_admin_data.post(f"{_PAGE}/set-aside/<which>/release")
@admin
def release_set_aside(which: str) -> Response:
    """Use again what a check set aside."""
    return _decided(use_cases.release_set_aside, which)


@web_admin_data.post(f"{_PAGE}/set-aside/<which>/remove")
@admin
@step_up
def remove_set_aside(which: str) -> Response:
    """Take out of the history what a check set aside."""
    return _decided(use_cases.remove_set_aside, which)


@web_admin_data.post(f"{_PAGE}/refused/<which>/release")
@admin
def release_refused(which: str) -> Response:
    """Use after all what was refused."""
    return _decided(use_cases.release_refused, which)


@web_admin_data.post(f"{_PAGE}/refused/<which>/remove")
@admin
def remove_refused(which: str) -> Response:
    """Confirm that it is wrong."""
    return _decided(use_cases.remove_refused, which)


def _decided(decide: Callable[[str, str], int], which: str) -> Response:
    def act() -> Response:
        rows = decide(which, submissions.given(DecisionIn).reason)
        return flash_messages.lead_to(
            _PAGE,
            ngettext("%(num)s row is decided.", "%(num)s rows are decided.", rows) % {"num": rows},
        )

    return submissions.attempted(act, _page)


def _page(form: Submission) -> Response:
    query = check(ListQuery, query_parameters.given("symbol", "cursor"))
    wanted = check(MapQuery, query_parameters.given("measure", "page"))
    looked_at = data_health.looked_at(
        HealthQuery(symbol=query.symbol, cursor=wanted.page, days=14, limit=50)
    )
    with services().database.connection() as conn:
        held, more_held = use_cases.held(conn, query)
        refused, more_refused = use_cases.waiting(conn, query)
    return rendering.page(
        "admin/data.html",
        **_documents(services().settings.orchestrator_url),
        status=administration.data_status(),
        held=held,
        refused=refused,
        has_more=bool(more_held or more_refused),
        form=form,
        query=query,
        map=heat_map.drawn(looked_at, wanted.measure),
        measure=wanted.measure,
        following=looked_at.next_cursor,
        may_decide=access.principal().role == "admin",
        title=gettext("Data"),
    )


def _documents(dagster: str) -> dict[str, str]:
    """Where the documents are that `orchestration.servers.documents` serves, beside Dagster's UI."""
    return {
        "dagster": dagster,
        "data_docs": f"{dagster}/coinsphere/docs/checks/index.html",
        "dbt_docs": f"{dagster}/coinsphere/docs/dbt",
    }
