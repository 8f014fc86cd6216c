"""What happened to tokens' names and units: listed, recorded, removed. Everybody's books follow, so a recent login is needed."""

from typing import Any

from apiflask import APIBlueprint

from webapi.admin.asset_events import schemas, use_cases
from webapi.security.access import admin, analyst
from webapi.security.step_up import step_up

blueprint = APIBlueprint("asset_events", __name__, tag="Administration")


@blueprint.get("")
@analyst
@blueprint.input(schemas.AssetEventsQuery, location="query")
@blueprint.output(schemas.AssetEventsOut)
def list_asset_events(query_data: schemas.AssetEventsQuery) -> dict[str, Any]:
    """Renames, redenominations, swaps, splits, delistings and reused tickers, by the instant at which they happened."""
    return {"asset_events": use_cases.listed(query_data)}


@blueprint.post("")
@admin
@step_up
@blueprint.input(schemas.AssetEventIn)
@blueprint.output(schemas.OneAssetEventOut, status_code=201)
def add_asset_event(json_data: schemas.AssetEventIn) -> dict[str, Any]:
    """Record what happened to a token; listings, alerts and books follow within five minutes, or when it has happened.

    Answers 409 where the token has a successor, or another unit from that day on, already.
    """
    return {"asset_event": use_cases.add(json_data)}


@blueprint.post("/<event_id>/remove")
@admin
@step_up
@blueprint.input(schemas.RemovalIn)
@blueprint.output(schemas.OneAssetEventOut)
def remove_asset_event(event_id: str, json_data: schemas.RemovalIn) -> dict[str, Any]:
    """Let an event count no more: books and history are as if it had not happened. Alerts that it changed stay changed."""
    return {"asset_event": use_cases.remove(event_id, json_data.reason)}
