"""What users do about their plan, and the webhooks of payment providers."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from psycopg import Connection

from coinsphere import log
from coinsphere.audit.events import Event
from coinsphere.billing import customers, events, plans, providers, repository, stripe_api
from coinsphere.billing.btcpay_api import BTCPay, PaymentOnItsWay
from coinsphere.billing.model import Forged, NotSold
from coinsphere.billing.plans import FREE, PRO, Plan, PlanFeature, PlanLimit
from coinsphere.billing.stripe_api import Stripe
from webapi.account.verifications import require_verified
from webapi.billing import guard
from webapi.http import errors
from webapi.security import access, audit
from webapi.services import services

PAGE = "/billing"
_log = log.get("webapi.billing")


def standing(conn: Connection) -> dict[str, Any]:
    """The caller's plan as `PlanOut` takes it."""
    work = services()
    entitlement = guard.entitled(conn)
    user_id = access.principal().user_id
    used = repository.used(conn, user_id, work.clock())
    return {
        "is_limited": work.settings.is_billing_configured,
        "is_paid_by_card": work.settings.is_stripe_configured,
        "has_portal": customers.find(conn, stripe_api.PROVIDER, user_id) is not None,
        "prepaid": _offer(),
        "plan": entitlement.plan.name,
        "status": entitlement.status or "none",
        "ends_at": entitlement.ends_at,
        "renews_at": entitlement.renews_at,
        "limits": [
            {"name": limit, "used": used[limit], "most": entitlement.plan.limits[limit]}
            for limit in PlanLimit
        ],
        "features": _features(entitlement.plan),
        "plans": [_sold(plan) for plan in plans.SOLD.values()],
    }


def checkout() -> str:
    """The address of the provider's page on which the caller buys the plan pro.

    Raises:
        errors.Problem: 403, the caller has confirmed no address; 404, nothing is sold; 409, he has the plan, or a
            subscription that goes on though it gives nothing now; 503, the provider does not answer.
    """
    stripe = _stripe()
    require_verified()
    work, user_id = services(), access.principal().user_id
    with work.database.connection() as conn:
        if guard.entitled(conn).plan is not FREE:
            raise _subscribed("the plan is yours already")
        customer = customers.find(conn, stripe_api.PROVIDER, user_id)
        is_first = not repository.has_subscribed(conn, user_id)
    try:
        if customer is not None and stripe.standing(customer).running:
            # Paid a moment ago, or left unpaid: in either case another one would be paid beside it.
            with work.database.connection() as conn:
                events.refresh_later(conn, stripe_api.PROVIDER, customer)
            raise _subscribed("there is a subscription already")
        customer = customer or stripe.customer(user_id)
        # Stored before anything can be bought: an event that comes at once finds whose it is.
        with work.database.connection() as conn:
            customers.store(conn, stripe_api.PROVIDER, user_id, customer, work.clock())
            audit.record(conn, Event.PAYMENT_STARTED, actor_id=user_id, target=customer)
        trial_days = work.settings.billing_trial_days if is_first else 0
        return stripe.checkout(customer, f"{work.settings.pages_url}{PAGE}", trial_days)
    except providers.FAULTS as fault:
        raise _away(fault) from None


def portal() -> str:
    """The address of the provider's page on which the caller manages card, invoices and cancellation.

    Raises:
        errors.Problem: 404, nothing is sold; 409, the caller never bought anything; 503, the provider does not answer.
    """
    stripe = _stripe()
    with services().database.connection() as conn:
        customer = customers.find(conn, stripe_api.PROVIDER, access.principal().user_id)
    if customer is None:
        raise errors.Problem(409, "nothing was bought yet", code="no-customer")
    try:
        return stripe.portal(customer, f"{services().settings.pages_url}{PAGE}")
    except providers.FAULTS as fault:
        raise _away(fault) from None


def prepay() -> str:
    """The address of a page on which the caller pays some days of the plan pro in crypto.

    Who has days left may buy more, which begin where those end. Of two who ask at once each may get an invoice: whoever
    pays both has bought twice as many days.

    Raises:
        errors.Problem: 403, the caller has confirmed no address; 404, nothing is sold in this way; 409, the plan is paid
            by card, or a payment is on its way; 503, the provider does not answer.
    """
    btcpay = _btcpay()
    require_verified()
    work, user_id = services(), access.principal().user_id
    with work.database.connection() as conn:
        if _is_paid_by_card(conn):
            raise _subscribed("the plan is paid by card")
        customer = customers.named(conn, btcpay.name, user_id, work.clock())
        booked = repository.booked(conn, btcpay.name, user_id)
    try:
        known = btcpay.open_invoice(customer, booked, work.clock())
        if known is not None:
            return known.url
        invoice = btcpay.invoice(customer, f"{work.settings.pages_url}{PAGE}")
    except PaymentOnItsWay:
        raise errors.Problem(
            409, "a payment is on its way", detail="It counts once it is confirmed.", code="paying"
        ) from None
    except providers.FAULTS as fault:
        raise _away(fault) from None
    # Booked before anybody can pay it: what is not in our books buys nothing.
    with work.database.connection() as conn:
        repository.book(conn, btcpay.name, user_id, invoice, plan=PRO.name, now=work.clock())
        audit.record(conn, Event.PAYMENT_STARTED, actor_id=user_id, target=invoice.reference)
    return invoice.url


def hear_stripe(body: bytes, signature: str | None) -> None:
    """Store an event of Stripe and queue its job; a known one changes nothing.

    Raises:
        errors.Problem: 400, it is not signed by the provider, or long ago; 404, nothing is sold.
    """
    _hear(_stripe(), body, signature)


def hear_btcpay(body: bytes, signature: str | None) -> None:
    """Store an event of BTCPay Server and queue its job; a known one changes nothing."""
    _hear(_btcpay(), body, signature)


def _hear(provider: Stripe | BTCPay, body: bytes, signature: str | None) -> None:
    work = services()
    try:
        event = provider.heard(body, signature)
    except Forged as fault:
        _log.warning("event refused", provider=provider.name, reason=str(fault))
        raise errors.Problem(400, "the signature is wrong", code="signature") from None
    with work.database.connection() as conn:
        events.store(conn, provider.name, event, work.clock(), "webhook")


def _is_paid_by_card(conn: Connection) -> bool:
    work = services()
    grace, user_id = timedelta(days=work.settings.billing_grace_days), access.principal().user_id
    entitlement = repository.entitled(conn, user_id, work.clock(), grace, stripe_api.PROVIDER)
    return entitlement.plan is not FREE


def _offer() -> dict[str, Any] | None:
    if not services().settings.is_btcpay_configured:
        return None
    return asdict(_btcpay().offer)


def _stripe() -> Stripe:
    try:
        return Stripe.of(services().settings)
    except NotSold:
        raise _not_sold() from None


def _btcpay() -> BTCPay:
    try:
        return BTCPay.of(services().settings)
    except NotSold:
        raise _not_sold() from None


def _not_sold() -> errors.Problem:
    if services().settings.is_billing_configured:
        return errors.Problem(404, "plans are not paid in this way here", code="not-sold")
    return errors.Problem(
        404, "this system sells nothing",
        detail="No provider of payments is configured, and everybody has everything.",
        code="not-sold",
    )  # fmt: skip


def _subscribed(title: str) -> errors.Problem:
    return errors.Problem(409, title, detail="Change it in the portal.", code="subscribed")


def _away(fault: Exception) -> errors.Problem:
    _log.error("the provider of payments failed", kind=type(fault).__name__, error=str(fault))
    return errors.Problem(
        503, "the provider of payments does not answer", detail="Nothing was paid. Try again soon.",
        headers={"Retry-After": str(errors.RETRY_SECONDS)}, code="payments-away",
    )  # fmt: skip


def _sold(plan: Plan) -> dict[str, Any]:
    limits = [{"name": limit, "most": plan.limits[limit]} for limit in PlanLimit]
    return {"name": plan.name, "limits": limits, "features": _features(plan)}


def _features(plan: Plan) -> list[dict[str, Any]]:
    return [{"name": feature, "is_included": feature in plan.features} for feature in PlanFeature]
