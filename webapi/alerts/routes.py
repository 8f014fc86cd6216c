"""A user's alerts. What belongs to somebody else does not exist."""

from typing import Any

from apiflask import APIBlueprint

from coinsphere.alerts import repository
from webapi.alerts import schemas, use_cases
from webapi.http.schema import Message
from webapi.security import access
from webapi.security.access import signed_in
from webapi.services import services

alerts = APIBlueprint("alerts", __name__, tag="Alerts")


@alerts.get("")
@signed_in
@alerts.output(schemas.AlertsOut)
def list_alerts() -> dict[str, Any]:
    """All of one's alerts, newest first; nobody has more than 200."""
    with services().database.connection() as conn:
        user_id = access.principal().user_id
        return {"alerts": use_cases.shown(conn, repository.list_for(conn, user_id))}


@alerts.post("")
@signed_in
@alerts.input(schemas.AlertIn)
@alerts.output(schemas.OneAlertOut, 201)
def create_alert(json_data: schemas.AlertIn) -> dict[str, Any]:
    """Set an alert.

    Answers 404 for an unknown token, and for a portfolio that is not one's own.
    """
    with services().database.connection() as conn:
        return use_cases.one(conn, use_cases.create(conn, json_data))


@alerts.get("/<alert_id>")
@signed_in
@alerts.output(schemas.OneAlertOut)
def get_alert(alert_id: str) -> dict[str, Any]:
    """One alert."""
    with services().database.connection() as conn:
        return use_cases.one(conn, use_cases.find(conn, alert_id))


@alerts.put("/<alert_id>")
@signed_in
@alerts.input(schemas.AlertChange)
@alerts.output(schemas.OneAlertOut)
def change_alert(alert_id: str, json_data: schemas.AlertChange) -> dict[str, Any]:
    """Change an alert. Fields that are left out stay; a changed alert starts anew."""
    with services().database.connection() as conn:
        return use_cases.one(conn, use_cases.change(conn, alert_id, json_data))


@alerts.delete("/<alert_id>")
@signed_in
@alerts.output(Message, example={"message": "Alert deleted successfully"})
def delete_alert(alert_id: str) -> dict[str, str]:
    """Delete an alert and its events."""
    with services().database.connection() as conn:
        use_cases.delete(conn, alert_id)
    return {"message": "Alert deleted successfully"}


@alerts.patch("/<alert_id>/toggle")
@signed_in
@alerts.output(schemas.OneAlertOut)
def toggle_alert(alert_id: str) -> dict[str, Any]:
    """Switch an alert off, or on again; it starts anew."""
    with services().database.connection() as conn:
        return use_cases.one(conn, use_cases.toggle(conn, alert_id))


@alerts.get("/<alert_id>/events")
@signed_in
@alerts.input(schemas.EventsQuery, location="query")
@alerts.output(schemas.EventsOut)
def list_events(alert_id: str, query_data: schemas.EventsQuery) -> dict[str, Any]:
    """The firings of an alert, newest first, each with the value and the source that fired it."""
    with services().database.connection() as conn:
        alert = use_cases.find(conn, alert_id)
        events = repository.events(conn, access.principal().user_id, alert.id, query_data.limit)
    return {"events": events}
