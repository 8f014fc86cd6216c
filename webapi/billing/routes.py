"""One's plan: what it allows and how it is paid for."""

from typing import Any

from apiflask import APIBlueprint
from flask import request

from coinsphere.billing.btcpay_api import SIGNATURE
from webapi.billing import schemas, use_cases
from webapi.http.schema import Message
from webapi.security import limits
from webapi.security.access import public, signed_in
from webapi.services import services

billing = APIBlueprint("billing", __name__, tag="Billing")

_HEARD = {"message": "Stored"}


@billing.get("/plan")
@signed_in
@billing.output(schemas.PlanOut)
def get_plan() -> dict[str, Any]:
    """One's plan with its limits, what of them is used now, and when it ends.

    Where the system sells nothing, everybody has everything, and `isLimited` says so.
    """
    with services().database.connection() as conn:
        return use_cases.standing(conn)


@billing.post("/checkout")
@signed_in
@limits.weighs(10)
@billing.output(schemas.PaymentPageOut, 201)
def begin_checkout() -> dict[str, str]:
    """Begin to buy the plan pro; needs a confirmed address.

    The answer names a page of the provider's, which asks for the card; it never comes here. The plan is there once the
    provider has told that it is paid, which takes seconds, whether or not the page is left by its button.
    """
    return {"url": use_cases.checkout()}


@billing.post("/portal")
@signed_in
@limits.weighs(10)
@billing.output(schemas.PaymentPageOut, 201)
def open_portal() -> dict[str, str]:
    """Open the provider's page for the card, for invoices and for cancelling at the period's end."""
    return {"url": use_cases.portal()}


@billing.post("/prepayments")
@signed_in
@limits.weighs(10)
@billing.output(schemas.PaymentPageOut, 201)
def begin_prepayment() -> dict[str, str]:
    """Begin to pay some days of the plan pro in crypto; needs a confirmed address.

    The answer names a page of the payment server's, which shows what to send where. The days count once the payment is
    confirmed, from then or from the end of those that were bought before, and nothing renews itself. Who asks again
    before he has paid gets the same page.
    """
    return {"url": use_cases.prepay()}


@billing.post("/stripe/events")
@public
@limits.exempt
@billing.doc(hide=True)
@billing.output(Message, example=_HEARD)
def hear_stripe() -> dict[str, str]:
    """What Stripe tells, signed over the exact bytes; stored, and handled by the worker."""
    use_cases.hear_stripe(request.get_data(cache=False), request.headers.get("Stripe-Signature"))
    return _HEARD


@billing.post("/btcpay/events")
@public
@limits.exempt
@billing.doc(hide=True)
@billing.output(Message, example=_HEARD)
def hear_btcpay() -> dict[str, str]:
    """What BTCPay Server tells, signed over the exact bytes; stored, and handled by the worker."""
    use_cases.hear_btcpay(request.get_data(cache=False), request.headers.get(SIGNATURE))
    return _HEARD
