"""What invoices of BTCPay Server buy, whatever becomes of them and in whatever order they settle."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from coinsphere.billing import btcpay_invoices

NOW = datetime(2026, 3, 10, tzinfo=UTC)
DAY = timedelta(days=1)


def invoice(id_, status, more="None", *, day=0, days=30):
    return {
        "id": id_, "status": status, "additionalStatus": more, "amount": "9.00", "currency": "EUR",
        "createdTime": int((NOW + day * DAY).timestamp()), "metadata": {"plan": "pro", "days": days},
    }  # fmt: skip


def bought(invoices, booked=None, now=NOW):
    ids = dict.fromkeys((raw["id"] for raw in invoices), "pending")
    found = btcpay_invoices.subscriptions(invoices, ids | (booked or {}), now)
    return [
        (
            each.reference,
            each.status,
            (each.period_started_at - NOW).days,
            (each.cancels_at - NOW).days,
        )
        for each in found
    ]


def test_what_is_paid_early_begins_where_the_other_ends_and_late_when_it_is_paid() -> None:
    first, second, late = (
        invoice(name, "Settled", day=day) for name, day in zip("abc", (0, 10, 80), strict=True)
    )
    wanted = [("a", "active", 0, 30), ("b", "active", 30, 60), ("c", "active", 80, 110)]
    assert bought([first, second, late]) == wanted
    assert bought([late, second, first]) == wanted


def test_days_that_are_over_are_over_and_what_was_given_back_moves_the_rest() -> None:
    paid = [invoice("a", "Settled"), invoice("b", "Settled", day=1)]
    assert bought(paid, now=NOW + 40 * DAY) == [("a", "cancelled", 0, 30), ("b", "active", 30, 60)]
    back = [invoice("a", "Invalid", "Marked"), paid[1]]
    assert bought(back, {"a": "succeeded"}) == [("a", "refunded", 0, 30), ("b", "active", 1, 31)]


@pytest.mark.parametrize(
    ("status", "more", "booked", "becomes", "is_short"),
    [
        ("New", "None", "pending", "pending", False),
        ("New", "PaidPartial", "pending", "pending", False),
        ("Processing", "PaidOver", "pending", "pending", False),
        ("Settled", "PaidOver", "pending", "succeeded", False),
        ("Settled", "Marked", "failed", "succeeded", False),
        ("Expired", "None", "pending", "expired", False),
        ("Expired", "PaidPartial", "pending", "failed", True),
        ("Expired", "PaidLate", "expired", "failed", True),
        ("Invalid", "None", "pending", "failed", False),
        ("Invalid", "Marked", "succeeded", "refunded", False),
        ("Invalid", "Marked", "refunded", "refunded", False),
    ],
)
def test_what_becomes_of_an_invoice(status, more, booked, becomes, is_short) -> None:
    raw = invoice("a", status, more)
    (payment,) = btcpay_invoices.payments([raw], {"a": booked})
    assert (payment.status, payment.is_short, payment.amount) == (becomes, is_short, Decimal(9))
    assert bool(bought([raw], {"a": booked})) == (becomes in {"succeeded", "refunded"})


@pytest.mark.parametrize(
    "odd", [{"status": "Perhaps"}, {"metadata": {}}, {"metadata": {"plan": "pro", "days": 0}}]
)
def test_nonsense_is_an_error(odd) -> None:
    with pytest.raises((ValueError, KeyError)):
        bought([invoice("a", "Settled") | odd])
