"""The model into which every payment provider is read: a customer's standing, and events. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from coinsphere.billing.entitlement import Subscription
from coinsphere.errors import ConfigurationError

Raw = Mapping[str, Any]
PaymentStatus = Literal["pending", "succeeded", "failed", "expired", "refunded"]
NONSENSE = (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError)
"""What reading raises where something is not what a provider's reference says."""
_LONGEST = 255


class NotSold(ConfigurationError):
    """This system sells nothing, or does not sell by this provider."""


class Forged(ValueError):
    """The signature of a webhook is missing, wrong or too old."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A demand for payment, in units of its currency.

    `is_short`: money came, and too little or too late, so that it bought nothing.
    """

    reference: str
    plan: str
    amount: Decimal
    currency: str
    status: PaymentStatus
    is_short: bool = False


@dataclass(frozen=True, slots=True)
class Invoice:
    """A demand for payment, and the page on which it is paid."""

    reference: str
    url: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Standing:
    """All that a provider knows of a customer: subscriptions, those still running, and payments."""

    subscriptions: list[Subscription] = field(default_factory=list)
    running: frozenset[str] = frozenset()
    """References of those that the provider asks money for, now or later, whatever they give."""
    payments: list[Payment] = field(default_factory=list)

    @property
    def refunded(self) -> list[str]:
        """Running subscriptions whose newest payment was given back."""
        return [
            subscription.reference
            for subscription in self.subscriptions
            if subscription.status == "refunded" and subscription.reference in self.running
        ]


@dataclass(frozen=True, slots=True)
class PaymentEvent:
    """Says that something of a customer changed, but not what: that is asked anew. `customer` is None where it is about none."""

    reference: str
    topic: str
    customer: str | None
    occurred_at: datetime


def word(value: Any) -> str:
    """Validates a name that a provider gives. Raises ValueError for anything else."""
    if not (isinstance(value, str) and value.isascii() and value.isprintable()):
        raise ValueError("a name is no text")
    if not 0 < len(value) <= _LONGEST:
        raise ValueError("a name is empty or too long")
    return value


def moment(seconds: int) -> datetime:
    """A time that is given in seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)
