"""A user's alerts. What belongs to somebody else does not exist."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from psycopg import Connection

from coinsphere.alerts import repository, rules
from coinsphere.alerts.repository import Alert, NewAlert
from coinsphere.alerts.rules import AlertType, Condition
from webapi.alerts import queries, schemas
from webapi.http import errors, paths
from webapi.http.schema import Message, camel
from webapi.security import access
from webapi.security.access import signed_in
from webapi.services import services
from webapi.tokens import symbols

alerts = APIBlueprint("alerts", __name__, tag="Alerts")

_WHAT = "alert"


@alerts.get("")
@signed_in
@alerts.output(schemas.AlertsOut)
def list_alerts() -> dict[str, Any]:
    """All of one's alerts, newest first; nobody has more than 200."""
    with services().database.connection() as conn:
        user_id = access.principal().user_id
        return {"alerts": _shown(conn, repository.list_for(conn, user_id))}


@alerts.post("")
@signed_in
@alerts.input(schemas.AlertIn)
@alerts.output(schemas.OneAlertOut, 201)
def create_alert(json_data: schemas.AlertIn) -> dict[str, Any]:
    """Set an alert.

    Answers 404 for an unknown token, and for a portfolio that is not one's own.
    """
    work = services()
    user_id = access.principal().user_id
    with work.database.connection() as conn:
        if queries.is_full(conn, user_id):
            raise errors.Problem(
                409, f"nobody may have more than {queries.MAX_ALERTS} alerts", code="alerts-full"
            )
        wanted = _checked(conn, json_data.model_dump(), work.clock())
        return _one(conn, _required(repository.create(conn, user_id, wanted), "portfolio"))


@alerts.get("/<alert_id>")
@signed_in
@alerts.output(schemas.OneAlertOut)
def get_alert(alert_id: str) -> dict[str, Any]:
    """One alert."""
    with services().database.connection() as conn:
        return _one(conn, _find(conn, alert_id))


@alerts.put("/<alert_id>")
@signed_in
@alerts.input(schemas.AlertChange)
@alerts.output(schemas.OneAlertOut)
def change_alert(alert_id: str, json_data: schemas.AlertChange) -> dict[str, Any]:
    """Change an alert. Fields that are left out stay; a changed alert starts anew."""
    work = services()
    with work.database.connection() as conn:
        stored = _find(conn, alert_id)
        changes = json_data.model_dump(exclude_unset=True)
        wanted = _checked(conn, _merged(stored, changes), work.clock())
        changed = repository.update(conn, access.principal().user_id, stored.id, wanted)
        return _one(conn, _required(changed, "portfolio"))


@alerts.delete("/<alert_id>")
@signed_in
@alerts.output(Message, example={"message": "Alert deleted successfully"})
def delete_alert(alert_id: str) -> dict[str, str]:
    """Delete an alert and its events."""
    with services().database.connection() as conn:
        known = repository.delete(conn, access.principal().user_id, paths.uuid(alert_id, _WHAT))
    if not known:
        raise errors.not_found(_WHAT)
    return {"message": "Alert deleted successfully"}


@alerts.patch("/<alert_id>/toggle")
@signed_in
@alerts.output(schemas.OneAlertOut)
def toggle_alert(alert_id: str) -> dict[str, Any]:
    """Switch an alert off, or on again; it starts anew."""
    with services().database.connection() as conn:
        changed = repository.toggle(conn, access.principal().user_id, paths.uuid(alert_id, _WHAT))
        return _one(conn, _required(changed, _WHAT))


@alerts.get("/<alert_id>/events")
@signed_in
@alerts.input(schemas.EventsQuery, location="query")
@alerts.output(schemas.EventsOut)
def list_events(alert_id: str, query_data: schemas.EventsQuery) -> dict[str, Any]:
    """The firings of an alert, newest first, each with the value and the source that fired it."""
    with services().database.connection() as conn:
        alert = _find(conn, alert_id)
        found = repository.events(conn, access.principal().user_id, alert.id, query_data.limit)
    return {"events": found}


def _one(conn: Connection, alert: Alert) -> dict[str, Any]:
    (shown,) = _shown(conn, [alert])
    return {"alert": shown, "warnings": shown["warnings"]}


def _shown(conn: Connection, found: Sequence[Alert]) -> list[dict[str, Any]]:
    """Alerts, each with what may keep it from firing or from being mailed."""
    work = services()
    stale_after = timedelta(seconds=work.settings.market_stale_seconds)
    states = queries.states(conn, [alert.id for alert in found], work.clock(), stale_after)
    return [
        asdict(alert) | {"warnings": queries.warnings(alert, states[alert.id])} for alert in found
    ]


def _find(conn: Connection, alert_id: str) -> Alert:
    user_id = access.principal().user_id
    return _required(repository.get(conn, user_id, paths.uuid(alert_id, _WHAT)), _WHAT)


def _required(alert: Alert | None, what: str) -> Alert:
    if alert is None:
        raise errors.not_found(what)
    return alert


def _merged(stored: Alert, changes: dict[str, Any]) -> dict[str, Any]:
    """The definition of `stored` with the changes; a new subject takes the place of the old one.

    A threshold that moves takes a hysteresis that suits it, unless one is given.
    """
    kept = {
        name: getattr(stored, name)
        for name in schemas.AlertChange.model_fields
        if name not in changes
    }
    if changes.get("portfolio_id") is not None and "token_symbol" not in changes:
        kept["token_symbol"] = None
    if changes.get("token_symbol") is not None and "portfolio_id" not in changes:
        kept["portfolio_id"] = None
    if "hysteresis" not in changes and {"threshold", "alert_type", "condition"} & set(changes):
        kept["hysteresis"] = None
    nulls = [name for name, value in changes.items() if value is None and name not in _NULLABLE]
    if nulls:
        raise errors.invalid(
            [{"path": camel(name), "message": "must not be null", "code": "null"} for name in nulls]
        )
    return {**kept, **changes}


_NULLABLE = ("token_symbol", "portfolio_id", "expires_at", "hysteresis")


def _checked(conn: Connection, values: dict[str, Any], now: datetime) -> NewAlert:
    """The alert that is asked for, if its parts fit together."""
    symbol = values.pop("token_symbol")
    values["channels"] = tuple(dict.fromkeys(values["channels"]))
    values["alert_type"] = AlertType(values["alert_type"])
    values["condition"] = Condition(values["condition"])
    if values["hysteresis"] is None:
        watched = (values[name] for name in ("alert_type", "condition", "threshold"))
        values["hysteresis"] = rules.usual_hysteresis(*watched)
    wanted = NewAlert(**values)
    found = schemas.fault(wanted, has_token=symbol is not None)
    if found is None and wanted.expires_at is not None and wanted.expires_at <= now:
        found = ("expiresAt", "must lie in the future")
    if found is not None:
        path, message = found
        raise errors.invalid([{"path": path, "message": message, "code": "value_error"}])
    return replace(wanted, token_id=_token_id(conn, symbol))


def _token_id(conn: Connection, symbol: str | None) -> UUID | None:
    return None if symbol is None else symbols.find(conn, symbol).id
