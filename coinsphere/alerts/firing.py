"""An alert that fired, with what a message about it needs."""

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from uuid import UUID

from coinsphere.alerts.rules import AlertType, Condition


@dataclass(frozen=True, slots=True)
class Crossing:
    """What a message says of an alert that fired: the same for all who set it alike and read one language.

    `subject` is a symbol or a portfolio's name; `locale` and `time_zone` are its owner's, None where none was chosen.
    """

    alert_type: AlertType
    condition: Condition
    threshold: Decimal
    previous_value: Decimal | None
    observed_value: Decimal
    source: str
    observed_at: datetime
    subject: str
    locale: str | None = None
    time_zone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing(Crossing):
    """An alert that fired, with what a message about it needs.

    `plan` is what its owner pays for.

    Mail goes to an address that was confirmed: who registers with somebody else's must not have us write to it.
    """

    event_id: UUID
    alert_id: UUID
    user_id: UUID
    email: str
    email_verified: bool
    channels: list[str]
    plan: str = "free"

    @property
    def crossing(self) -> Crossing:
        """The part of it that others share."""
        return Crossing(*_CROSSING(self))


_CROSSING = attrgetter(*(each.name for each in fields(Crossing)))
