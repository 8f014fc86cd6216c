"""Turns BTCPay Server's invoices into subscriptions and payments of ours. Pure.

Each settled invoice buys some days, which begin where those that were bought before end: paying early loses nothing, and
the order in which invoices settle changes nothing.

Source: BTCPay Server's Greenfield API, version 1 (InvoiceData, WebhookInvoiceEvent).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from coinsphere.billing.entitlement import Subscription
from coinsphere.billing.model import Payment, PaymentEvent, PaymentStatus, Raw, moment, word

_TOO_LITTLE_OR_LATE = frozenset(("PaidPartial", "PaidLate"))
_WAS_PAID = frozenset(("succeeded", "refunded"))
_MOST_DAYS = 3660


def event(raw: Raw) -> PaymentEvent:
    """Read an event of a webhook. Raises one of `model.NONSENSE` for anything else.

    A delivery that is repeated keeps the name of the first.
    """
    about = raw.get("metadata") or {}
    return PaymentEvent(
        word(raw.get("originalDeliveryId") or raw["deliveryId"]),
        word(raw["type"]),
        None if about.get("orderId") is None else word(about["orderId"]),
        moment(raw["timestamp"]),
    )


def status(raw: Raw, booked: str | None) -> PaymentStatus:
    """The status of an invoice; a payment that was taken back shows by `booked`, the status in our books."""
    match raw["status"]:
        case "Settled":
            return "succeeded"
        case "New" | "Processing":
            return "pending"
        case "Expired":
            return "failed" if _is_short(raw) else "expired"
        case "Invalid":
            return "refunded" if booked in _WAS_PAID else "failed"
        case other:
            raise ValueError(f"an invoice has the status {str(other)[:40]}")


def payments(raws: Sequence[Raw], booked: Mapping[str, str]) -> list[Payment]:
    """The invoices as payments."""
    return [_payment(raw, booked[raw["id"]]) for raw in raws]


def subscriptions(
    raws: Sequence[Raw], booked: Mapping[str, str], now: datetime
) -> list[Subscription]:
    """The subscription that each paid invoice bought; none renews itself."""
    return list(_bought(sorted(raws, key=_created), booked, now))


def _bought(
    raws: Sequence[Raw], booked: Mapping[str, str], now: datetime
) -> Iterator[Subscription]:
    paid_until: datetime | None = None
    for raw in raws:
        outcome = status(raw, booked[raw["id"]])
        if outcome not in _WAS_PAID:
            continue
        begin = max(_created(raw), paid_until or _created(raw))
        end = begin + timedelta(days=_days(raw))
        if outcome == "succeeded":
            paid_until = end
        is_over = end <= now
        yield Subscription(
            reference=word(raw["id"]), plan=word(raw["metadata"]["plan"]),
            status="refunded" if outcome == "refunded" else "cancelled" if is_over else "active",
            period_started_at=begin, period_ends_at=end, cancels_at=end,
        )  # fmt: skip


def _payment(raw: Raw, booked: str) -> Payment:
    return Payment(
        reference=word(raw["id"]),
        plan=word(raw["metadata"]["plan"]),
        amount=Decimal(str(raw["amount"])),
        currency=word(raw["currency"]),
        status=status(raw, booked),
        is_short=raw["status"] == "Expired" and _is_short(raw),
    )


def _is_short(raw: Raw) -> bool:
    return raw["additionalStatus"] in _TOO_LITTLE_OR_LATE


def _created(raw: Raw) -> datetime:
    return moment(raw["createdTime"])


def _days(raw: Raw) -> int:
    days = int(raw["metadata"]["days"])
    if not 0 < days <= _MOST_DAYS:
        raise ValueError("an invoice buys an impossible number of days")
    return days
