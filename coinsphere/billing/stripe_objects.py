"""Turns Stripe's objects into subscriptions and payments of ours. Pure.

Source: Stripe's API reference, version 2026-10-28 (Subscription, Invoice, Charge, Event).
"""

from collections.abc import Container, Mapping, Sequence
from decimal import Decimal
from typing import Any

from coinsphere.billing.entitlement import Status, Subscription
from coinsphere.billing.model import Payment, PaymentEvent, PaymentStatus, Raw, moment, word

_STATUSES: Mapping[str, Status] = {
    "trialing": "trial",
    "active": "active",
    "past_due": "past_due",
    # Every retry failed: the days of grace are over, or run from the same period's start.
    "unpaid": "past_due",
    "canceled": "cancelled",
}
_RUNNING = frozenset(("trialing", "active", "past_due", "unpaid"))
"""Of such a subscription Stripe asks for money again, unless it is cancelled first."""
_PAID: Mapping[str, PaymentStatus] = {
    "open": "pending",
    "paid": "succeeded",
    "uncollectible": "failed",
    "void": "expired",
}
_WHOLE = frozenset(
    ("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf")
)  # fmt: skip
_THOUSANDTHS = frozenset(("bhd", "jod", "kwd", "omr", "tnd"))
"""https://docs.stripe.com/currencies: of all others Stripe counts hundredths."""


def event(raw: Raw) -> PaymentEvent:
    """Read an event of a webhook. Raises one of `model.NONSENSE` for anything else."""
    about = raw["data"]["object"]
    who = about["id"] if about.get("object") == "customer" else about.get("customer")
    customer = None if who is None else word(_id(who))
    return PaymentEvent(word(raw["id"]), word(raw["type"]), customer, moment(raw["created"]))


def subscriptions(
    raws: Sequence[Raw], invoices: Sequence[Raw], charges: Sequence[Raw], prices: Container[str]
) -> list[Subscription]:
    """Those that sell the plan pro.

    Args:
        raws: all subscriptions of a customer.
        invoices: all his invoices, with their payments.
        charges: all his charges.
        prices: those of the plan pro; other things that are sold by the same account are none of ours.
    """
    refunded = _refunded(charges)
    ours = [(raw, item) for raw in raws if (item := _item(raw, prices)) is not None]
    return [
        _subscription(raw, item, is_refunded=_newest_is_refunded(raw["id"], invoices, refunded))
        for raw, item in ours
    ]


def running(raws: Sequence[Raw], prices: Container[str]) -> frozenset[str]:
    """References of the subscriptions to the plan that have not ended."""
    return frozenset(
        raw["id"] for raw in raws if raw["status"] in _RUNNING and _item(raw, prices) is not None
    )


def payments(
    invoices: Sequence[Raw], charges: Sequence[Raw], ours: Sequence[Subscription]
) -> list[Payment]:
    """The invoices of `ours` that ask for money: neither a trial's does, nor one that an earlier credit pays for."""
    refunded, plans = (
        _refunded(charges),
        {subscription.reference: subscription.plan for subscription in ours},
    )
    return [
        _payment(invoice, plans[bought], refunded)
        for invoice in invoices
        if (bought := _bought(invoice)) in plans
        and invoice["status"] in _PAID
        and invoice["amount_due"] > 0
    ]


def amount(minor: int, currency: str) -> Decimal:
    """Converts an amount in a currency's smallest unit, as Stripe counts, to units of the currency."""
    code = currency.lower()
    digits = 0 if code in _WHOLE else 3 if code in _THOUSANDTHS else 2
    return Decimal(minor).scaleb(-digits)


def _subscription(raw: Raw, item: Raw, *, is_refunded: bool) -> Subscription:
    status = _STATUSES.get(raw["status"], "incomplete")
    has_ended = status == "cancelled"
    ends_at = moment(item["current_period_end"])
    cancels_at = raw["cancel_at"] or (raw["ended_at"] if has_ended else None)
    at_period_end = ends_at if raw["cancel_at_period_end"] else None
    if has_ended and raw["ended_at"]:
        cancels_at = raw["ended_at"]
    return Subscription(
        reference=raw["id"],
        plan="pro",
        status="refunded" if is_refunded else status,
        period_started_at=moment(item["current_period_start"]),
        period_ends_at=ends_at,
        cancels_at=moment(cancels_at) if cancels_at else at_period_end,
    )


def _payment(raw: Raw, plan: str, refunded: frozenset[str]) -> Payment:
    is_refunded = raw["status"] == "paid" and not refunded.isdisjoint(_intents(raw))
    return Payment(
        reference=raw["id"],
        plan=plan,
        # Less than the total where something is left of a price that was changed.
        amount=amount(raw["amount_due"], raw["currency"]),
        currency=raw["currency"].upper(),
        status="refunded" if is_refunded else _PAID[raw["status"]],
    )


def _item(raw: Raw, prices: Container[str]) -> Raw | None:
    items: list[Raw] = raw["items"]["data"]
    return next((item for item in items if item["price"]["id"] in prices), None)


def _newest_is_refunded(reference: str, invoices: Sequence[Raw], refunded: frozenset[str]) -> bool:
    paid = [
        invoice
        for invoice in invoices
        if _bought(invoice) == reference
        and invoice["status"] == "paid"
        and invoice["amount_due"] > 0
    ]
    newest = max(paid, key=lambda invoice: int(invoice["created"]), default=None)
    return newest is not None and not refunded.isdisjoint(_intents(newest))


def _refunded(charges: Sequence[Raw]) -> frozenset[str]:
    """The payments that were given back in full; a part that was given back ends nothing."""
    intents = (_id(charge["payment_intent"]) for charge in charges if charge["refunded"])
    # A charge without an intent was made for no invoice of a subscription.
    return frozenset(intent for intent in intents if intent is not None)


def _intents(invoice: Raw) -> set[str]:
    payments: list[Raw] = (invoice.get("payments") or {}).get("data", [])
    intents = (_id(payment["payment"].get("payment_intent")) for payment in payments)
    return {intent for intent in intents if intent is not None}


def _bought(invoice: Raw) -> str | None:
    parent = invoice.get("parent") or {}
    return _id((parent.get("subscription_details") or {}).get("subscription"))


def _id(value: Any) -> str | None:
    """The id of what Stripe gives as an id or, where it was asked to, as the whole object."""
    return value if value is None or isinstance(value, str) else str(value["id"])
