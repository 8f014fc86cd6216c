"""The client of BTCPay Server's Greenfield API; no other module calls it."""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Self
from urllib.parse import quote, urlencode

from coinsphere import log
from coinsphere.billing import btcpay_invoices
from coinsphere.billing.model import (
    NONSENSE,
    Forged,
    Invoice,
    NotSold,
    PaymentEvent,
    Raw,
    Standing,
    moment,
    word,
)
from coinsphere.errors import BadPayload
from coinsphere.network import outbound
from coinsphere.settings import Settings

PROVIDER = "btcpay"
SOURCE = "BTCPay Server"
SIGNATURE = "BTCPay-Sig"
_SECONDS = 10.0
_PAGE = 100
_TIME_TO_PAY = timedelta(minutes=5)
"""With less left on it nobody is led to an invoice, but to a new one."""
_log = log.get("billing.btcpay")


@dataclass(frozen=True, slots=True)
class Offer:
    """What is sold: a number of days of the plan pro, and their price."""

    amount: Decimal
    currency: str
    days: int


class PaymentOnItsWay(Exception):
    """A payment was made and is not confirmed yet."""


class BTCPay:
    """A client for one store."""

    name = PROVIDER

    def __init__(self, settings: Settings) -> None:
        key, secret = settings.btcpay_api_key, settings.btcpay_webhook_secret
        store, amount = settings.btcpay_store, settings.btcpay_price
        if settings.btcpay_url is None or not (key and secret and store and amount):
            raise NotSold("no BTCPay Server is configured")
        self._url = (
            f"{settings.btcpay_url.rstrip('/')}/api/v1/stores/{quote(store, safe='')}/invoices"
        )
        self._key, self._secret, self._store = key, secret, store
        self._is_private = settings.btcpay_private_network
        self.offer = Offer(amount, settings.btcpay_currency, settings.btcpay_days)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The client of the store that the settings name. Raises `NotSold` where they name none."""
        return cls(settings)

    def open_invoice(
        self, customer: str, booked: Mapping[str, str], now: datetime
    ) -> Invoice | None:
        """A customer's invoice at today's price that is still open to pay.

        Raises:
            PaymentOnItsWay: he has paid one, and it is not confirmed.
            ProviderError: see there.
        """
        ours = self._booked(customer, booked)
        if any(raw["status"] == "Processing" for raw in ours):
            raise PaymentOnItsWay
        latest = int((now + _TIME_TO_PAY).timestamp())
        invoices = (
            _invoice(raw)
            for raw in ours
            if raw["status"] == "New" and raw["expirationTime"] > latest
        )
        offered = (self.offer.amount, self.offer.currency)
        return next((each for each in invoices if (each.amount, each.currency) == offered), None)

    def invoice(self, customer: str, page: str) -> Invoice:
        """Create an invoice, whose page leads back to `page`. Raises `ProviderError`."""
        bought = {"orderId": customer, "plan": "pro", "days": self.offer.days}
        asked = {
            "amount": str(self.offer.amount),
            "currency": self.offer.currency,
            "metadata": {**bought, "itemDesc": f"Coinsphere Pro, {self.offer.days} days"},
            "checkout": {"redirectURL": f"{page}?paid=crypto"},
        }
        with _understood():
            return _invoice(self._ask("", body=asked))

    def standing(self, customer: str, booked: Mapping[str, str], now: datetime) -> Standing:
        """What the store knows of a customer now. Raises `ProviderError`.

        Only invoices that are in our books count: whoever may make others in the same store buys nothing by them.
        """
        with _understood():
            ours = self._booked(customer, booked)
            return Standing(
                btcpay_invoices.subscriptions(ours, booked, now),
                payments=btcpay_invoices.payments(ours, booked),
            )

    def missed(self, since: datetime, booked: Mapping[str, str]) -> Iterator[PaymentEvent]:
        """Events for the invoices since then of which our books say otherwise. Raises `ProviderError`."""
        for raw in self._invoices(startDate=int(since.timestamp())):
            try:
                before = booked.get(raw["id"])
                if before is not None and btcpay_invoices.status(raw, before) != before:
                    yield _sighting(raw, before)
            except NONSENSE as error:
                _log.error(
                    "invoice not understood", reference=str(raw.get("id"))[:80], error=str(error)
                )

    def end(self, subscription: str) -> None:
        """Does nothing: what is bought here does not renew itself."""

    def forget(self, customer: str) -> None:
        """Invalidate the open invoices of a customer whose account is gone. Raises `ProviderError`."""
        for raw in self._invoices(orderId=customer, status="New"):
            self._ask(f"/{quote(raw['id'], safe='')}/status", body={"status": "Invalid"})

    def heard(self, body: bytes, signature: str | None) -> PaymentEvent:
        """Verify and read a webhook's event. Raises `Forged`.

        The signature is over the exact bytes. There is no time in it, and a repetition is only another reason to look.
        """
        key = self._secret.get_secret_value().encode()
        wanted = f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"
        if not hmac.compare_digest(wanted.encode(), (signature or "").encode()):
            raise Forged("the signature does not fit")
        try:
            raw = json.loads(body)
            event, store = btcpay_invoices.event(raw), raw["storeId"]
        except NONSENSE:
            raise Forged("it is no event of ours") from None
        if store != self._store:
            raise Forged("it is of another store")
        return event

    def _booked(self, customer: str, booked: Mapping[str, str]) -> list[Raw]:
        return [
            raw
            for raw in self._invoices(orderId=customer)
            if raw["id"] in booked and raw["metadata"]["orderId"] == customer
        ]

    def _invoices(self, **asked: str | int) -> Iterator[Raw]:
        skipped = 0
        while True:
            rest = {**asked, "includeArchived": "true", "skip": skipped, "take": _PAGE}
            page = self._ask(f"?{urlencode(rest)}")
            if not isinstance(page, list) or not all(isinstance(raw, dict) for raw in page):
                raise BadPayload(SOURCE, "its invoices are no list")
            yield from page
            skipped += len(page)
            if len(page) < _PAGE:
                return

    def _ask(self, path: str, body: object = None) -> Any:
        with outbound.client(is_private_allowed=self._is_private, seconds=_SECONDS) as http:
            http.headers["Authorization"] = f"token {self._key.get_secret_value()}"
            return outbound.ask(http, SOURCE, f"{self._url}{path}", body=body)


def _invoice(raw: Raw) -> Invoice:
    return Invoice(raw["id"], raw["checkoutLink"], Decimal(str(raw["amount"])), raw["currency"])


def _sighting(raw: Raw, before: str) -> PaymentEvent:
    """What would have been told of an invoice; looking again before anybody acted on it is the same event."""
    name = word(f"{raw['id']} {raw['status']} after {before}")
    topic, created_at = f"Invoice{raw['status']}", moment(raw["createdTime"])
    return PaymentEvent(name, topic, word(raw["metadata"]["orderId"]), created_at)


@contextmanager
def _understood() -> Iterator[None]:
    try:
        yield
    except NONSENSE as error:
        raise BadPayload(SOURCE, f"an invoice makes no sense: {error}") from error
