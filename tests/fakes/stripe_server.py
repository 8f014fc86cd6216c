"""A local server that speaks Stripe's protocol: forms in, JSON out, keys, idempotency, pages of lists, signed events.

It keeps a clock of its own, and what happens there (a card is good or not, a period ends, somebody cancels) happens by
its methods, each of which tells what Stripe would tell. Signatures are made by the SDK's own scheme, at the real time.
Source: Stripe's API reference, version 2026-10-28.
"""

import json
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from stripe import WebhookSignature

KEY = "sk_live_7f3e0c9a5d1b4826"
SECRET = "whsec_5b8d2f7a9c3e1064"
PRICE = "price_pro"
YEARLY = "price_pro_yearly"
MONTH, YEAR = timedelta(days=30), timedelta(days=365)
_PRICES = {PRICE: (900, MONTH), YEARLY: (9000, YEAR)}
Row = dict[str, Any]


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, kind: str, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "message": message, "code": code}}


@dataclass
class StripeServer:
    """The state of one account at Stripe's."""

    now: datetime
    url: str = ""
    customers: dict[str, Row] = field(default_factory=dict)
    sessions: dict[str, Row] = field(default_factory=dict)
    subscriptions: dict[str, Row] = field(default_factory=dict)
    invoices: dict[str, Row] = field(default_factory=dict)
    charges: dict[str, Row] = field(default_factory=dict)
    credits: dict[str, int] = field(default_factory=dict)
    events: list[Row] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    is_away: bool = False
    _answers: dict[str, tuple[str, Row]] = field(default_factory=dict)

    # What happens there.

    def pay_checkout(self) -> str:
        """Somebody fills in the newest page with a good card; the id of his subscription."""
        session = list(self.sessions.values())[-1]
        trial = int(session["subscription_data"].get("trial_period_days", 0))
        end = self.now + (timedelta(days=trial) if trial else MONTH)
        made = self._subscribe(session["customer"], "trialing" if trial else "active", end)
        session |= {"status": "complete", "subscription": made["id"]}
        self._bill(made, 0 if trial else 900)
        self._tell("checkout.session.completed", session)
        return str(made["id"])

    def renew(self, subscription: str, *, card_is_good: bool = True) -> None:
        """The period ends: the clock goes there, and the next one is billed."""
        bought = self.subscriptions[subscription]
        (item,) = bought["items"]["data"]
        self.now = max(self.now, datetime.fromtimestamp(item["current_period_end"], UTC))
        item["current_period_start"] = item["current_period_end"]
        amount, lasts = _PRICES[item["price"]["id"]]
        item["current_period_end"] = _seconds(self.now + lasts)
        if bought["cancel_at_period_end"]:
            self._end(bought)
            return
        self._bill(bought, amount, is_paid=card_is_good)
        bought["status"] = "active" if card_is_good else "past_due"
        self._tell("customer.subscription.updated", bought)

    def recover(self, subscription: str) -> None:
        """The failed payment is tried again with a good card."""
        bought = self.subscriptions[subscription]
        (owed,) = [
            each
            for each in self.invoices.values()
            if each["status"] == "open" and _bought(each) == subscription
        ]
        self._charge(owed)
        bought["status"] = "active"
        self._tell("customer.subscription.updated", bought)

    def cancel(self, subscription: str) -> None:
        """Its owner cancels it in the portal, at the period's end."""
        bought = self.subscriptions[subscription]
        bought["cancel_at_period_end"] = True
        self._tell("customer.subscription.updated", bought)

    def change_price(self, subscription: str, price: str) -> None:
        """Its owner changes to another price in the portal: a new period begins, what is left of the old one counts."""
        bought = self.subscriptions[subscription]
        (item,) = bought["items"]["data"]
        old, _ = _PRICES[item["price"]["id"]]
        new, lasts = _PRICES[price]
        begun, ends = item["current_period_start"], item["current_period_end"]
        left = -round(old * (ends - _seconds(self.now)) / (ends - begun))
        item["price"] = {**item["price"], "id": price, "unit_amount": new}
        item["current_period_start"] = _seconds(self.now)
        item["current_period_end"] = _seconds(self.now + lasts)
        self._tell("customer.subscription.updated", bought)
        self._bill(bought, left + new, lines=[(left, True), (new, False)])

    def refund(self, subscription: str, *, part: int | None = None) -> None:
        """The newest payment is given back, or a part of it."""
        paid = [
            each
            for each in self.invoices.values()
            if _bought(each) == subscription and each["status"] == "paid" and each["amount_due"]
        ]
        intent = paid[-1]["payments"]["data"][0]["payment"]["payment_intent"]
        (charge,) = [c for c in self.charges.values() if c["payment_intent"] == intent]
        charge["amount_refunded"] = part or charge["amount"]
        charge["refunded"] = part is None
        self._tell("charge.refunded", charge)

    # What is told.

    def signed(self, event: Row, *, at: float | None = None, secret: str = SECRET) -> Row:
        """The request by which Stripe tells an event: body and headers."""
        body = json.dumps(event, indent=2)
        moment = int(time.time() if at is None else at)
        sign = WebhookSignature._compute_signature(f"{moment}.{body}", secret)
        headers = {"Stripe-Signature": f"t={moment},v1={sign},v0=none"}
        return {"data": body, "headers": headers, "content_type": "application/json; charset=utf-8"}

    def _tell(self, topic: str, about: Row) -> None:
        self.events.append(
            {
                "id": _new("evt"),
                "object": "event",
                "api_version": "2026-10-28.endive",
                "created": _seconds(self.now),
                "livemode": True,
                "pending_webhooks": 1,
                "type": topic,
                "data": {"object": json.loads(json.dumps(about))},
            }
        )

    def _subscribe(self, customer: str, status: str, end: datetime) -> Row:
        item = {
            "id": _new("si"),
            "object": "subscription_item",
            "price": {"id": PRICE, "object": "price", "currency": "eur", "unit_amount": 900},
            "current_period_start": _seconds(self.now),
            "current_period_end": _seconds(end),
        }
        made = {
            "id": _new("sub"),
            "object": "subscription",
            "customer": customer,
            "status": status,
            "cancel_at": None,
            "cancel_at_period_end": False,
            "ended_at": None,
            "items": {"object": "list", "data": [item], "has_more": False},
        }
        self.subscriptions[made["id"]] = made
        self._tell("customer.subscription.created", made)
        return made

    def _due(self, customer: str, total: int) -> int:
        """What an invoice asks for, after the customer's credit, which one below zero adds to."""
        credit = self.credits.get(customer, 0) - total
        self.credits[customer] = max(credit, 0)
        return max(-credit, 0)

    def _bill(
        self,
        bought: Row,
        total: int,
        *,
        is_paid: bool = True,
        lines: Sequence[tuple[int, bool]] = (),
    ) -> None:
        made = {
            "id": _new("in"),
            "object": "invoice",
            "customer": bought["customer"],
            "created": _seconds(self.now),
            "currency": "eur",
            "total": total,
            "amount_due": self._due(bought["customer"], total),
            "status": "open",
            "lines": {
                "object": "list",
                "data": [_line(*each) for each in lines or [(total, False)]],
            },
            "parent": {
                "type": "subscription_details",
                "subscription_details": {"subscription": bought["id"]},
            },
            "payments": {"object": "list", "data": [], "has_more": False},
        }
        self.invoices[made["id"]] = made
        if is_paid:
            self._charge(made)
        else:
            self._tell("invoice.payment_failed", made)

    def _charge(self, invoice: Row) -> None:
        invoice["status"] = "paid"
        if invoice["amount_due"]:
            intent = _new("pi")
            made = {
                "id": _new("ch"),
                "object": "charge",
                "customer": invoice["customer"],
                "payment_intent": intent,
                "amount": invoice["amount_due"],
                "amount_refunded": 0,
                "refunded": False,
                "payment_method_details": {"type": "card", "card": {"last4": "4242"}},
            }
            self.charges[made["id"]] = made
            payment = {"type": "payment_intent", "payment_intent": intent}
            invoice["payments"]["data"].append({"object": "invoice_payment", "payment": payment})
        self._tell("invoice.paid", invoice)

    def _end(self, bought: Row) -> None:
        bought |= {"status": "canceled", "ended_at": _seconds(self.now)}
        self._tell("customer.subscription.deleted", bought)

    # What is asked.

    def answer(self, method: str, path: str, given: dict[str, str], headers: Any) -> Row:
        """The body of a success. Raises `Refused`."""
        if self.is_away:
            raise Refused(503, "api_error", "away")
        if headers["Authorization"] != f"Bearer {KEY}":
            raise Refused(401, "invalid_request_error", "Invalid API Key provided")
        key = headers.get("Idempotency-Key")
        if method == "POST" and key is None:
            raise Refused(400, "invalid_request_error", "the SDK sends a key with each POST")
        if key in self._answers:
            before, answer = self._answers[key]
            if before != f"{path} {given}":
                raise Refused(
                    400, "idempotency_error", "Keys can only be used with the same parameters"
                )
            return answer
        answer = self._answer(method, path.removeprefix("/v1/"), given)
        if key is not None:
            self._answers[key] = (f"{path} {given}", answer)
        return answer

    def _answer(self, method: str, path: str, given: dict[str, str]) -> Row:
        return self._read(path, given) if method == "GET" else self._do(method, path, given)

    def _read(self, path: str, given: dict[str, str]) -> Row:
        if path == "events":
            since = int(given["created[gte]"])
            return _page([e for e in self.events if e["created"] >= since][::-1], path, given)
        kinds = {
            "subscriptions": self.subscriptions,
            "invoices": self.invoices,
            "charges": self.charges,
            "checkout/sessions": self.sessions,
        }
        if path not in kinds:
            raise _unknown("GET", path)
        self._customer(given["customer"])
        rows = [row for row in kinds[path].values() if row["customer"] == given["customer"]]
        return _page(rows[::-1], path, given)

    def _do(self, method: str, path: str, given: dict[str, str]) -> Row:
        match method, path.split("/"):
            case "POST", ["customers"]:
                made: Row = {
                    "id": _new("cus"),
                    "object": "customer",
                    "metadata": _part(given, "metadata"),
                }
                self.customers[made["id"]] = made
                return made
            case "DELETE", ["customers", reference]:
                self._customer(reference)
                del self.customers[reference]
                for each in self.subscriptions.values():
                    if each["customer"] == reference and each["status"] != "canceled":
                        self._end(each)
                return {"id": reference, "object": "customer", "deleted": True}
            case "DELETE", ["subscriptions", reference]:
                return self._cancelled(reference)
            case "POST", ["checkout", "sessions"]:
                return self._session(given)
            case "POST", ["billing_portal", "sessions"]:
                self._customer(given["customer"])
                url = f"{self.url}/p/{_new('x')}"
                return {"id": _new("bps"), "object": "billing_portal.session", "url": url}
            case _:
                raise _unknown(method, path)

    def _cancelled(self, reference: str) -> Row:
        bought = self.subscriptions.get(reference)
        if bought is None or bought["status"] == "canceled":
            message = f"No such subscription: {reference}"
            raise Refused(404, "invalid_request_error", message, "resource_missing")
        self._end(bought)
        return bought

    def _session(self, given: dict[str, str]) -> Row:
        self._customer(given["customer"])
        if given["line_items[0][price]"] != PRICE or given["mode"] != "subscription":
            raise Refused(400, "invalid_request_error", "No such price", "resource_missing")
        made: Row = {
            "id": _new("cs"),
            "object": "checkout.session",
            "customer": given["customer"],
            "status": "open",
            "success_url": given["success_url"],
            "subscription_data": _part(given, "subscription_data"),
            "url": f"{self.url}/c/pay/{_new('x')}",
        }
        self.sessions[made["id"]] = made
        return made

    def _customer(self, reference: str) -> None:
        if reference not in self.customers:
            message = f"No such customer: '{reference}'"
            raise Refused(404, "invalid_request_error", message, "resource_missing")


@contextmanager
def serving(now: datetime) -> Iterator[StripeServer]:
    """Serve an account on a free port."""
    lock = Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            address = urlsplit(self.path)
            given = dict(parse_qsl(body or address.query, keep_blank_values=True))
            with lock:
                state.asked.append((self.command, address.path, given))
                try:
                    status, answer = (
                        200,
                        state.answer(self.command, address.path, given, self.headers),
                    )
                except Refused as refused:
                    status, answer = refused.status, refused.body
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = _any  # noqa: N815 - its base asks for these names

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = StripeServer(now, f"http://127.0.0.1:{server.server_address[1]}")
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


def _page(rows: list[Row], path: str, given: dict[str, str]) -> Row:
    """Two at a time, whatever is asked for, so that whoever reads the first page alone is found out."""
    after = given.get("starting_after")
    ids = [row["id"] for row in rows]
    rest = rows[ids.index(after) + 1 :] if after else rows
    return {"object": "list", "url": f"/v1/{path}", "data": rest[:2], "has_more": len(rest) > 2}


def _line(amount: int, is_proration: bool) -> Row:
    parent = {
        "type": "subscription_item_details",
        "subscription_item_details": {"proration": is_proration},
    }
    return {"object": "line_item", "amount": amount, "currency": "eur", "parent": parent}


def _unknown(method: str, path: str) -> Refused:
    return Refused(404, "invalid_request_error", f"Unrecognized request URL ({method}: {path})")


def _part(given: dict[str, str], name: str) -> dict[str, str]:
    begin = f"{name}["
    return {key[len(begin) : -1]: value for key, value in given.items() if key.startswith(begin)}


def _bought(invoice: Row) -> str:
    return str(invoice["parent"]["subscription_details"]["subscription"])


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _new(kind: str) -> str:
    return f"{kind}_{secrets.token_hex(12)}"
