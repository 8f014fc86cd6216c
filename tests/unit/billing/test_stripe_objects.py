"""What Stripe's answers mean, where they are unusual."""

from datetime import UTC, datetime

import pytest

from coinsphere.billing import stripe_objects

AT = int(datetime(2026, 3, 10, tzinfo=UTC).timestamp())


def subscription() -> dict:
    item = {
        "price": {"id": "price_1"},
        "current_period_start": AT,
        "current_period_end": AT + 86_400,
    }
    return {
        "id": "sub_1",
        "status": "active",
        "items": {"data": [item]},
        "cancel_at": None,
        "ended_at": None,
        "cancel_at_period_end": False,
    }


def invoice(intent: str | None) -> dict:
    return {
        "id": "in_1",
        "status": "paid",
        "amount_due": 900,
        "currency": "usd",
        "created": AT,
        "parent": {"subscription_details": {"subscription": "sub_1"}},
        "payments": {"data": [{"payment": {"payment_intent": intent}}]},
    }


@pytest.mark.parametrize(
    ("paid_by", "given_back", "status"),
    [
        ("pi_1", "pi_1", "refunded"),
        ("pi_1", "pi_2", "active"),
        ("pi_1", None, "active"),
        # Paid by transfer, beside a charge that was made by hand and given back: neither names a payment.
        (None, None, "active"),
    ],
)
def test_only_the_payment_that_was_given_back_ends_a_plan(paid_by, given_back, status) -> None:
    charges = [{"payment_intent": given_back, "refunded": True}]
    (ours,) = stripe_objects.subscriptions(
        [subscription()], [invoice(paid_by)], charges, ("price_1",)
    )
    assert ours.status == status
    (payment,) = stripe_objects.payments([invoice(paid_by)], charges, [ours])
    assert payment.status == ("refunded" if status == "refunded" else "succeeded")
