"""What users do with their alerts."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection

from coinsphere.alerts import repository, rules
from coinsphere.alerts.repository import Alert, NewAlert
from coinsphere.alerts.rules import AlertType, Condition
from coinsphere.analytics.events import AlertCreated
from coinsphere.billing.plans import PlanLimit
from coinsphere.experiments import records
from coinsphere.experiments.catalogue import Metric
from webapi.alerts import backtest_data, queries, schemas
from webapi.alerts.backtest_data import Past
from webapi.analytics.happenings import happened
from webapi.billing import guard
from webapi.channels import use_cases as channels
from webapi.http import errors, paths
from webapi.http.schema import camel
from webapi.security import access
from webapi.services import services
from webapi.tokens import symbols

_WHAT = "alert"


def create(conn: Connection, body: schemas.AlertIn) -> Alert:
    """Set an alert. Raises `errors.Problem`: 400, 402, 404, or 409 where there are too many."""
    user_id = access.principal().user_id
    if queries.is_full(conn, user_id):
        raise errors.Problem(
            409, f"nobody may have more than {queries.MAX_ALERTS} alerts", code="alerts-full"
        )
    guard.require_room(conn, PlanLimit.ALERTS)
    wanted = _checked(conn, body.model_dump(), services().clock())
    alert = _required(repository.create(conn, user_id, wanted), "portfolio")
    happened(conn, AlertCreated(alert.alert_type))
    return alert


def would_have_fired(conn: Connection, body: schemas.AlertIn) -> Past:
    """The firings that an alert would have had in the last 90 days; stores nothing. Raises `errors.Problem`: 400 or 404."""
    now = services().clock()
    wanted = _checked(conn, body.model_dump(), now)
    return backtest_data.of(conn, access.principal().user_id, wanted, now)


def change(conn: Connection, alert_id: str, body: schemas.AlertChange) -> Alert:
    """Change an alert, which starts anew; fields that are left out stay. Raises `errors.Problem`: 400 or 404."""
    stored = find(conn, alert_id)
    changes = body.model_dump(exclude_unset=True)
    wanted = _checked(conn, _merged(stored, changes), services().clock())
    changed = _required(
        repository.update(conn, access.principal().user_id, stored.id, wanted), "portfolio"
    )
    if stored.is_active and not changed.is_active:
        _count_end(conn)
    return changed


def delete(conn: Connection, alert_id: str) -> None:
    """Delete an alert and its events. Raises `errors.Problem` with status 404."""
    if not repository.delete(conn, access.principal().user_id, paths.uuid(alert_id, _WHAT)):
        raise errors.not_found(_WHAT)
    _count_end(conn)


def toggle(conn: Connection, alert_id: str) -> Alert:
    """Switch an alert off, or on again. Raises `errors.Problem` with status 404."""
    identity = paths.uuid(alert_id, _WHAT)
    toggled = _required(repository.toggle(conn, access.principal().user_id, identity), _WHAT)
    if not toggled.is_active:
        _count_end(conn)
    return toggled


def one(conn: Connection, alert: Alert) -> dict[str, Any]:
    """An alert as `OneAlertOut` takes it."""
    (answer,) = shown(conn, [alert])
    return {"alert": answer, "warnings": answer["warnings"]}


def shown(conn: Connection, alerts: Sequence[Alert]) -> list[dict[str, Any]]:
    """Alerts with the reasons that may keep each from firing or from being mailed."""
    work = services()
    stale_after = timedelta(seconds=work.settings.market_stale_seconds)
    states = queries.states(conn, [alert.id for alert in alerts], work.clock(), stale_after)
    return [
        asdict(alert) | {"warnings": queries.warnings(alert, states[alert.id])} for alert in alerts
    ]


def find(conn: Connection, alert_id: str) -> Alert:
    """One of the caller's alerts. Raises `errors.Problem` with status 404."""
    user_id = access.principal().user_id
    return _required(repository.get(conn, user_id, paths.uuid(alert_id, _WHAT)), _WHAT)


def _count_end(conn: Connection) -> None:
    """Experiments about alerts must not lead to fewer of them."""
    records.observe(conn, Metric.ALERT_ENDED, access.principal().user_id, services().clock())


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
    for name in ("channels", "channel_ids"):
        values[name] = tuple(dict.fromkeys(values[name]))
    values["alert_type"] = AlertType(values["alert_type"])
    values["condition"] = Condition(values["condition"])
    if values["hysteresis"] is None:
        watched = (values[name] for name in ("alert_type", "condition", "threshold"))
        values["hysteresis"] = rules.usual_hysteresis(*watched)
    wanted = NewAlert(**values)
    fault = schemas.fault(wanted, has_token=symbol is not None)
    if fault is None and wanted.expires_at is not None and wanted.expires_at <= now:
        fault = ("expiresAt", "must lie in the future")
    if fault is not None:
        path, message = fault
        raise errors.invalid([{"path": path, "message": message, "code": "value_error"}])
    channels.require_own(conn, wanted.channel_ids)
    return replace(wanted, token_id=_token_id(conn, symbol))


def _token_id(conn: Connection, symbol: str | None) -> UUID | None:
    return None if symbol is None else symbols.find(conn, symbol).id
