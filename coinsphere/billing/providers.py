"""The interface of payment providers, and the provider that the settings name for each."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Protocol

import stripe

from coinsphere.billing import btcpay_api, stripe_api
from coinsphere.billing.btcpay_api import BTCPay
from coinsphere.billing.model import NotSold, PaymentEvent, Standing
from coinsphere.billing.stripe_api import Stripe
from coinsphere.errors import ProviderError
from coinsphere.settings import Settings

FAULTS = (stripe.StripeError, ProviderError)
"""A provider could not be reached, or refused."""


class Provider(Protocol):
    """A payment provider. Each method raises one of `FAULTS`."""

    name: str

    def standing(self, customer: str, booked: Mapping[str, str], now: datetime) -> Standing:
        """A customer's standing now; `booked` is the status of each of their payments in our books."""

    def missed(self, since: datetime, booked: Mapping[str, str]) -> Iterator[PaymentEvent]:
        """The events since then, as far as the provider can tell; `booked` is the status of each payment of all customers."""

    def end(self, subscription: str) -> None:
        """Cancel a subscription that renews itself."""

    def forget(self, customer: str) -> None:
        """Cancel all that a customer still pays for, as the account is gone."""


def of(settings: Settings, name: str) -> Provider:
    """The provider of a name. Raises `NotSold` where the settings do not have it."""
    if name == stripe_api.PROVIDER:
        return Stripe.of(settings)
    if name == btcpay_api.PROVIDER:
        return BTCPay.of(settings)
    raise NotSold(f"no provider of payments is called {name}")


def configured(settings: Settings) -> Iterator[Provider]:
    """All providers that the settings configure."""
    if settings.is_stripe_configured:
        yield Stripe.of(settings)
    if settings.is_btcpay_configured:
        yield BTCPay.of(settings)
