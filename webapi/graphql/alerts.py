"""Alerts: which there are, and the mutations that set and delete them."""

from uuid import UUID

import strawberry

from coinsphere.alerts import repository
from webapi.alerts import use_cases
from webapi.alerts.schemas import AlertIn, AlertOut, OneAlertOut
from webapi.graphql import model_types
from webapi.graphql.fields import route_field
from webapi.http.schema import check
from webapi.security import access
from webapi.services import services

_OF_ALERTS = "GET /api/v1/alerts"
_SETS = "POST /api/v1/alerts"
_DELETES = "DELETE /api/v1/alerts/<alert_id>"


@model_types.output_type(AlertOut)
class Alert:
    """An alert and its state."""


@model_types.input_type(AlertIn)
class AlertInput:
    """A new alert."""


@strawberry.type
class AlertQueries:
    """What may be asked of one's alerts."""

    @route_field(_OF_ALERTS, list[Alert] | None)
    def alerts(self) -> list[AlertOut]:
        """All of one's alerts, newest first; nobody has more than 200."""
        with services().database.connection() as conn:
            rows = use_cases.shown(conn, repository.list_for(conn, access.principal().user_id))
        return [AlertOut.model_validate(each) for each in rows]


@strawberry.type
class AlertActs:
    """What may be done to one's alerts."""

    @route_field(_SETS, Alert | None)
    def create_alert(self, alert: AlertInput) -> AlertOut:
        """Set an alert."""
        asked = check(AlertIn, model_types.input_values(alert))
        with services().database.connection() as conn:
            created = use_cases.one(conn, use_cases.create(conn, asked))
        return OneAlertOut.model_validate(created).alert

    @route_field(_DELETES, UUID | None)
    def delete_alert(self, id: UUID) -> UUID:  # noqa: A002 - its name in GraphQL
        """Delete an alert and its events; gives its id."""
        with services().database.connection() as conn:
            use_cases.delete(conn, str(id))
        return id
