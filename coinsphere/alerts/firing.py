"""An alert that fired, with what a message about it needs."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from coinsphere.alerts.rules import AlertType, Condition


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert that fired, with what a message about it needs.

    `subject` is a symbol or a portfolio's name; `locale` and `time_zone` are its owner's, None where none was chosen;
    `plan` is what they pay for.

    Mail goes to an address that was confirmed: who registers with somebody else's must not have us write to it.
    """

    event_id: UUID
    alert_id: UUID
    user_id: UUID
    email: str
    email_verified: bool
    alert_type: AlertType
    condition: Condition
    threshold: Decimal
    previous_value: Decimal | None
    observed_value: Decimal
    source: str
    observed_at: datetime
    channels: list[str]
    subject: str
    locale: str | None = None
    time_zone: str | None = None
    plan: str = "free"
