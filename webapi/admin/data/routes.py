"""What checks set aside, and what was refused on arrival: lists, and what an administrator decides of them."""

from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint

from coinsphere.market.quality import set_aside
from webapi.admin.data import health, schemas, use_cases
from webapi.security.access import admin, analyst
from webapi.security.step_up import step_up
from webapi.services import services

blueprint = APIBlueprint("administration_data", __name__, tag="Administration")


@blueprint.get("")
@analyst
@blueprint.input(schemas.HealthQuery, location="query")
@blueprint.output(schemas.DataHealthOut)
def data_health(query_data: schemas.HealthQuery) -> health.DataHealth:
    """How good the data of each token and venue are, day by day: complete, fresh, agreed on, quarantined, revised."""
    return health.looked_at(query_data)


@blueprint.get("/set-aside")
@analyst
@blueprint.input(schemas.ListQuery, location="query")
@blueprint.output(schemas.SetAsideOut)
def list_set_aside(query_data: schemas.ListQuery) -> dict[str, Any]:
    """What checks set aside and nothing uses, newest first, each with its trail."""
    with services().database.connection() as conn:
        shown, following = use_cases.held(conn, query_data)
        trails = set_aside.trails(conn, [each.id for each in shown])
    return {
        "entries": [{**asdict(each), "trail": trails[each.id]} for each in shown],
        "next_cursor": following,
    }


@blueprint.post("/set-aside/<which>/release")
@admin
@blueprint.input(schemas.DecisionIn)
@blueprint.output(schemas.DecidedOut)
def release_set_aside(which: str, json_data: schemas.DecisionIn) -> dict[str, int]:
    """Use again what was set aside, as long as its cause lasts: an entry's number, or a symbol for all of its token."""
    return {"decided": use_cases.release_set_aside(which, json_data.reason)}


@blueprint.post("/set-aside/<which>/remove")
@admin
@step_up
@blueprint.input(schemas.DecisionIn)
@blueprint.output(schemas.DecidedOut)
def remove_set_aside(which: str, json_data: schemas.DecisionIn) -> dict[str, int]:
    """Take candles that were set aside out of the history; they stay among what was refused. A recent login is needed."""
    return {"decided": use_cases.remove_set_aside(which, json_data.reason)}


@blueprint.get("/refused")
@analyst
@blueprint.input(schemas.ListQuery, location="query")
@blueprint.output(schemas.RefusedRowsOut)
def list_refused(query_data: schemas.ListQuery) -> dict[str, Any]:
    """Rows of sources and files that were refused on arrival and wait for a decision, newest first, as they came."""
    with services().database.connection() as conn:
        shown, following = use_cases.waiting(conn, query_data)
    return {"rows": shown, "next_cursor": following}


@blueprint.post("/refused/<which>/release")
@admin
@blueprint.input(schemas.DecisionIn)
@blueprint.output(schemas.DecidedOut)
def release_refused(which: str, json_data: schemas.DecisionIn) -> dict[str, int]:
    """Use candles and quotes after all that were refused: a row's number, or a symbol for all of its token.

    409 where one of them cannot be true by itself, like a price of zero; then none is used.
    """
    return {"decided": use_cases.release_refused(which, json_data.reason)}


@blueprint.post("/refused/<which>/remove")
@admin
@blueprint.input(schemas.DecisionIn)
@blueprint.output(schemas.DecidedOut)
def remove_refused(which: str, json_data: schemas.DecisionIn) -> dict[str, int]:
    """Confirm that rows which were refused are wrong: they wait no longer, and are kept."""
    return {"decided": use_cases.remove_refused(which, json_data.reason)}
