"""The client of Stripe by its own SDK; no other module calls it."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import stripe
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from coinsphere import log
from coinsphere.billing import stripe_objects
from coinsphere.billing.model import NONSENSE, Forged, NotSold, PaymentEvent, Standing
from coinsphere.settings import Settings

PROVIDER = "stripe"
Fault = stripe.StripeError
"""Stripe could not be reached, or refused."""
_SECONDS = 10.0
_PAGE = 100
_TOLERANCE_SECONDS = 300
_GONE = "resource_missing"
_log = log.get("billing.stripe")
stripe.ca_bundle_path = DEFAULT_CA_BUNDLE_PATH
"""As its package may lie in an archive, where no library of TLS finds the list that it brings."""


class Stripe:
    """A client for one Stripe account."""

    name = PROVIDER

    def __init__(
        self, key: str, signing_secret: str, price: str, url: str, *, others: tuple[str, ...] = ()
    ) -> None:
        self._secret, self._price, self._prices = signing_secret, price, (price, *others)
        self._api = stripe.StripeClient(
            key,
            base_addresses={"api": url},
            max_network_retries=2,
            http_client=stripe.RequestsClient(timeout=_SECONDS),
        ).v1

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The client of the account that the settings name. Raises `NotSold` where they name none."""
        key, secret, price = (
            settings.stripe_secret_key,
            settings.stripe_webhook_secret,
            settings.stripe_price,
        )
        if key is None or secret is None or price is None:
            raise NotSold("no provider of payments is configured")
        return cls(
            key.get_secret_value(), secret.get_secret_value(), price, settings.stripe_url,
            others=settings.stripe_other_prices,
        )  # fmt: skip

    def customer(self, user_id: UUID) -> str:
        """The id of a user at Stripe, created on the first call; a repeated call gets the same. Raises `Fault`.

        It is told the id alone: the address and the card are asked for by its own page.
        """
        customer = self._api.customers.create(
            {"metadata": {"user_id": str(user_id)}}, {"idempotency_key": f"customer-{user_id}"}
        )
        return str(customer.id)

    def checkout(self, customer: str, page: str, trial_days: int) -> str:
        """The address of Stripe's page that sells the plan; it leads back to `page`. Raises `Fault`.

        A customer has one page that is open, so that nothing is bought twice: who asks again gets the same, and of two
        who ask at once both do, as the request's key names the page before it.
        """
        trial: Any = {"trial_period_days": trial_days} if trial_days else {}
        sessions = self._api.checkout.sessions
        newest = next(iter(sessions.list({"customer": customer, "limit": 1}).data), None)
        if newest is not None and newest.status == "open":
            return str(newest.url)
        session = sessions.create(
            {
                "mode": "subscription",
                "customer": customer,
                "line_items": [{"price": self._price, "quantity": 1}],
                "subscription_data": trial,
                "success_url": f"{page}?paid=1",
                "cancel_url": page,
            },
            {"idempotency_key": f"checkout-{customer}-{newest.id if newest else 'first'}"},
        )
        return str(session.url)

    def portal(self, customer: str, page: str) -> str:
        """The address of Stripe's page for card, invoices and cancellation. Raises `Fault`."""
        session = self._api.billing_portal.sessions.create(
            {"customer": customer, "return_url": page}
        )
        return str(session.url)

    def standing(
        self,
        customer: str,
        booked: Mapping[str, str] | None = None,  # noqa: ARG002 - the seam's
        now: datetime | None = None,  # noqa: ARG002 - the seam's
    ) -> Standing:
        """What Stripe knows of a customer now; nothing where he is gone. It needs neither books nor time. Raises `Fault`."""
        try:
            subscribed = _all(
                self._api.subscriptions.list(
                    {"customer": customer, "status": "all", "limit": _PAGE}
                )
            )
            invoices = _all(
                self._api.invoices.list(
                    {"customer": customer, "limit": _PAGE, "expand": ["data.payments"]}
                )
            )
            charges = _all(self._api.charges.list({"customer": customer, "limit": _PAGE}))
        except stripe.InvalidRequestError as error:
            if error.code != _GONE:
                raise
            return Standing()
        ours = stripe_objects.subscriptions(subscribed, invoices, charges, self._prices)
        return Standing(
            ours,
            stripe_objects.running(subscribed, self._prices),
            stripe_objects.payments(invoices, charges, ours),
        )

    def missed(
        self,
        since: datetime,
        booked: Mapping[str, str],  # noqa: ARG002 - the seam's
    ) -> Iterator[PaymentEvent]:
        """Every event from then on, the newest first; Stripe keeps them for 30 days, and no books are needed. Raises `Fault`.

        One that makes no sense is named in the log: it keeps no other from being found.
        """
        created: Any = {"gte": int(since.timestamp())}
        for each in _all(self._api.events.list({"created": created, "limit": _PAGE})):
            try:
                yield stripe_objects.event(each)
            except NONSENSE as error:
                _log.error(
                    "event not understood", reference=str(each.get("id"))[:80], error=str(error)
                )

    def end(self, subscription: str) -> None:
        """End a subscription at once, with no further payment; one that has ended already is fine. Raises `Fault`."""
        try:
            self._api.subscriptions.cancel(subscription)
        except stripe.InvalidRequestError as error:
            if error.code != _GONE:
                raise

    def forget(self, customer: str) -> None:
        """Delete a customer, which ends what he subscribed to at once; one that is gone already is fine. Raises `Fault`."""
        try:
            self._api.customers.delete(customer)
        except stripe.InvalidRequestError as error:
            if error.code != _GONE:
                raise

    def heard(self, body: bytes, signature: str | None) -> PaymentEvent:
        """Verify and read a webhook's event. Raises `Forged`.

        The signature is over the exact bytes and a time, which may be five minutes old.
        """
        try:
            text = body.decode()
            stripe.WebhookSignature.verify_header(
                text, signature or "", self._secret, _TOLERANCE_SECONDS
            )
            return stripe_objects.event(json.loads(text))
        except (stripe.SignatureVerificationError, ValueError) as error:
            raise Forged(str(error)) from None
        except NONSENSE:
            raise Forged("it is no event") from None


def _all(page: stripe.ListObject[Any]) -> list[dict[str, Any]]:
    return [each.to_dict() for each in page.auto_paging_iter()]
