"""Request and response bodies of `/alerts`."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from coinsphere.alerts import rules
from coinsphere.alerts.repository import NewAlert
from coinsphere.alerts.rules import AlertType, Condition
from webapi.http.schema import Amount, Input, Instant, Line, Number, Output, Query

ALIASES = {
    "equals": "equal",
    "=": "equal",
    "==": "equal",
    ">": "above",
    "<": "below",
    "greater_than": "above",
    "less_than": "below",
}
"""Words of old clients for conditions."""

_MAX_COOLDOWN = 30 * 24 * 3600


def _condition(value: Any) -> Any:
    return ALIASES.get(value, value) if isinstance(value, str) else value


AnyCondition = Annotated[
    Condition,
    BeforeValidator(_condition),
    WithJsonSchema({"type": "string", "enum": [*Condition, *ALIASES]}),
]
Channel = Literal["email", "stream"]
Channels = Annotated[tuple[Channel, ...], Field(max_length=2)]
ChannelIds = Annotated[tuple[UUID, ...], Field(max_length=10)]
Margin = Annotated[Number, Field(ge=0)]
Cooldown = Annotated[int, Field(ge=0, le=_MAX_COOLDOWN, strict=True)]


class AlertIn(Input):
    """A new alert. `portfolioId` with the types `portfolio` and `reconciliation`, `tokenSymbol` with every other."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "alertType": "price",
                "tokenSymbol": "BTC",
                "condition": "above",
                "threshold": 100000,
            }
        }
    )

    alert_type: AlertType
    token_symbol: Line | None = None
    portfolio_id: UUID | None = None
    condition: AnyCondition
    threshold: Number = Field(
        description="US dollars for price, volume and portfolio; percent for percent_change, prediction, volatility and "
        "drawdown; 0 to 100 for risk; minutes for stale_data; how many for reconciliation."
    )
    channels: Channels = ("email",)
    channel_ids: ChannelIds = ()
    cooldown_seconds: Cooldown = Field(3600, description="Least time between two firings.")
    hysteresis: Margin | None = Field(
        None,
        description="How far a value must go back behind the threshold before the alert can fire again, in its unit; "
        "by default 1 % of a threshold in dollars, else one point.",
    )
    is_active: bool = True
    expires_at: Instant | None = None


class AlertChange(Input):
    """What is to change; the rest stays. A changed alert starts anew."""

    model_config = ConfigDict(json_schema_extra={"example": {"threshold": "0.00001234"}})

    alert_type: AlertType | None = None
    token_symbol: Line | None = None
    portfolio_id: UUID | None = None
    condition: AnyCondition | None = None
    threshold: Number | None = None
    channels: Channels | None = None
    channel_ids: ChannelIds | None = None
    cooldown_seconds: Cooldown | None = None
    hysteresis: Margin | None = None
    is_active: bool | None = None
    expires_at: Instant | None = None


class EventsQuery(Query):
    """How many firings."""

    limit: int = Field(100, ge=1, le=200)


class AlertOut(Output):
    """An alert and its state."""

    id: UUID
    alert_type: AlertType
    token_symbol: str | None
    portfolio_id: UUID | None
    condition: Condition
    threshold: Amount
    is_active: bool
    last_triggered: datetime | None = Field(validation_alias="last_triggered_at")
    trigger_count: int
    cooldown_seconds: int
    hysteresis: Amount
    expires_at: datetime | None
    channels: list[str]
    channel_ids: list[UUID]
    last_value: Amount | None = Field(description="What the last evaluation saw.")
    last_evaluated_at: datetime | None
    warnings: list[str] = Field(description="Why it may not fire, or not be mailed, as things are.")
    created_at: datetime
    updated_at: datetime


_ALERT: dict[str, Any] = {
    "id": "8f14e45f-ceea-4672-a0b5-1c6f2a9d3c77",
    "alertType": "price",
    "tokenSymbol": "BTC",
    "portfolioId": None,
    "condition": "above",
    "threshold": 100000,
    "isActive": True,
    "lastTriggered": None,
    "triggerCount": 0,
    "cooldownSeconds": 3600,
    "hysteresis": 1000,
    "expiresAt": None,
    "channels": ["email"],
    "channelIds": [],
    "lastValue": None,
    "lastEvaluatedAt": None,
    "warnings": [],
    "createdAt": "2026-11-24T08:00:00Z",
    "updatedAt": "2026-11-24T08:00:00Z",
}


class AlertsOut(Output):
    """One's alerts, newest first."""

    model_config = ConfigDict(json_schema_extra={"example": {"alerts": [_ALERT]}})

    alerts: list[AlertOut]


class OneAlertOut(Output):
    """One alert."""

    model_config = ConfigDict(json_schema_extra={"example": {"alert": _ALERT, "warnings": []}})

    alert: AlertOut
    warnings: list[str] = Field(description="Those of the alert.")


class EventOut(Output):
    """One firing: which value, from which source, observed when, fired the alert."""

    id: UUID
    fired_at: datetime
    condition: Condition
    threshold: Amount
    previous_value: Amount | None
    observed_value: Amount
    source: str
    observed_at: datetime


class EventsOut(Output):
    """The firings of one alert, newest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "events": [
                    {
                        "id": "1d3f0c9a-9a53-4d9b-9a1e-0f0c4b1c2d3e",
                        "firedAt": "2026-11-24T08:00:00Z",
                        "condition": "above",
                        "threshold": 100000,
                        "previousValue": 99950.1,
                        "observedValue": 100020.5,
                        "source": "binance",
                        "observedAt": "2026-11-24T07:59:58Z",
                    }
                ]
            }
        }
    )

    events: list[EventOut]


def fault(wanted: NewAlert, *, has_token: bool) -> tuple[str, str] | None:
    """The field that does not fit the type of alert, and why; None where all fit."""
    alert_type, has_portfolio = wanted.alert_type, wanted.portfolio_id is not None
    is_portfolio = alert_type in rules.OF_PORTFOLIOS
    if is_portfolio and not has_portfolio:
        return "portfolioId", f"is needed for an alert of the type {alert_type}"
    if not is_portfolio and not has_token:
        return "tokenSymbol", f"is needed for an alert of the type {alert_type}"
    if has_token and has_portfolio:
        surplus = "tokenSymbol" if is_portfolio else "portfolioId"
        return surplus, f"does not go with the type {alert_type}"
    if not wanted.channels and not wanted.channel_ids:
        return "channels", "must name one way at least, here or in channelIds"
    condition, threshold = wanted.condition, wanted.threshold
    reason = rules.threshold_fault(alert_type, condition, threshold)
    if reason is not None:
        return "threshold", reason
    reason = rules.hysteresis_fault(alert_type, condition, threshold, wanted.hysteresis)
    return None if reason is None else ("hysteresis", reason)
