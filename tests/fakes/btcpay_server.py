"""A local server that speaks BTCPay Server's Greenfield API: a store's invoices, and events signed with its secret.

What happens there (somebody pays, too little, too late, twice, an invoice expires, the operator marks one) happens by its
methods, each of which tells what BTCPay Server would tell. Source: its Greenfield API, version 1.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

KEY = "6b1e0f3a9c5d7248"
SECRET = "whs-4d9a7c2e5f1b8036"
STORE = "9CiNzKoANXxmk5ayZngSXrHTiVvvgCrwrpFQd4m2K776"
LIFE = timedelta(minutes=15)
SETTINGS = {
    "btcpay_store": STORE,
    "btcpay_api_key": KEY,
    "btcpay_webhook_secret": SECRET,
    "btcpay_price": "9.00",
    "btcpay_private_network": "true",
}
"""What a system is told to sell by it, beside the address."""
Row = dict[str, Any]


@dataclass
class BTCPayServer:
    """The state of one store."""

    now: datetime
    url: str = ""
    invoices: dict[str, Row] = field(default_factory=dict)
    events: list[Row] = field(default_factory=list)
    is_away: bool = False

    # What happens there.

    @property
    def newest(self) -> str:
        """The id of the newest invoice."""
        return next(reversed(self.invoices))

    def pay(self, invoice: str) -> None:
        """The money is seen, and not confirmed yet."""
        self._change(invoice, "Processing")
        self._tell(invoice, "InvoiceReceivedPayment", afterExpiration=False)
        self._tell(invoice, "InvoiceProcessing", overPaid=False)

    def settle(self, invoice: str, *, over: bool = False, by_hand: bool = False) -> None:
        """The payment is confirmed, or the operator says so."""
        self._change(invoice, "Settled", "Marked" if by_hand else "PaidOver" if over else "None")
        self._tell(invoice, "InvoiceSettled", manuallyMarked=by_hand, overPaid=over)

    def expire(self, invoice: str, *, partly: bool = False) -> None:
        """Nobody paid in time, or not all."""
        self._change(invoice, "Expired", "PaidPartial" if partly else "None")
        self._tell(invoice, "InvoiceExpired", partiallyPaid=partly)

    def pay_late(self, invoice: str) -> None:
        """The money comes after the invoice has expired."""
        self._change(invoice, "Expired", "PaidLate")
        self._tell(invoice, "InvoiceReceivedPayment", afterExpiration=True)

    def invalidate(self, invoice: str, *, by_hand: bool = True) -> None:
        """The operator gave the money back and marks the invoice, or it never confirmed."""
        self._change(invoice, "Invalid", "Marked" if by_hand else "None")
        self._tell(invoice, "InvoiceInvalid", manuallyMarked=by_hand)

    # What is told.

    def signed(self, event: Row, *, secret: str = SECRET) -> Row:
        """The request by which an event is told: body and headers."""
        body = json.dumps(event, indent=2)
        digest = hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
        headers = {"BTCPay-Sig": f"sha256={digest}"}
        return {"data": body, "headers": headers, "content_type": "application/json; charset=utf-8"}

    @staticmethod
    def again(event: Row) -> Row:
        """The same, delivered once more."""
        first = event["originalDeliveryId"]
        return {**event, "deliveryId": _new(), "originalDeliveryId": first, "isRedelivery": True}

    def _tell(self, invoice: str, topic: str, **more: bool) -> None:
        delivery = _new()
        self.events.append(
            {
                "deliveryId": delivery, "webhookId": "w1", "originalDeliveryId": delivery,
                "isRedelivery": False, "type": topic, "timestamp": int(self.now.timestamp()),
                "storeId": STORE, "invoiceId": invoice,
                "metadata": json.loads(json.dumps(self.invoices[invoice]["metadata"])), **more,
            }
        )  # fmt: skip

    def _change(self, invoice: str, status: str, more: str = "None") -> None:
        self.invoices[invoice] |= {"status": status, "additionalStatus": more}

    # What is asked.

    def answer(self, method: str, path: str, asked: dict[str, str], body: Row) -> tuple[int, Any]:
        """Status and body of the answer to a request with the right key."""
        match method, path.removeprefix(f"/api/v1/stores/{STORE}/").split("/"):
            case "GET", ["invoices"]:
                return 200, self._list(asked)
            case "POST", ["invoices"]:
                return 200, self._made(body)
            case "POST", ["invoices", invoice, "status"]:
                self.invalidate(invoice)
                return 200, self.invoices[invoice]
            case _:
                return 404, {"code": "not-found", "message": "no such route"}

    def _list(self, asked: dict[str, str]) -> list[Row]:
        """The newest first, two at a time would break the protocol: `take` is obeyed."""
        rows = [
            row
            for row in reversed(self.invoices.values())
            if asked.get("orderId", row["metadata"].get("orderId"))
            == row["metadata"].get("orderId")
            and asked.get("status", row["status"]) == row["status"]
            and int(asked.get("startDate", 0)) <= row["createdTime"]
        ]
        skip = int(asked.get("skip", 0))
        return rows[skip : skip + int(asked.get("take", 50))]

    def _made(self, body: Row) -> Row:
        made = {
            "id": _new(), "storeId": STORE, "type": "Standard", "archived": False,
            "amount": body["amount"], "currency": body["currency"], "metadata": body["metadata"],
            "checkout": body.get("checkout", {}), "status": "New", "additionalStatus": "None",
            "createdTime": int(self.now.timestamp()),
            "expirationTime": int((self.now + LIFE).timestamp()),
            "monitoringExpiration": int((self.now + LIFE * 5).timestamp()),
            "availableStatusesForManualMarking": ["Settled", "Invalid"],
        }  # fmt: skip
        made["checkoutLink"] = f"{self.url}/i/{made['id']}"
        self.invoices[made["id"]] = made
        self._tell(made["id"], "InvoiceCreated")
        return made


@contextmanager
def serving(now: datetime) -> Iterator[BTCPayServer]:
    """Serve a store on a free port."""
    lock = Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            address = urlsplit(self.path)
            with lock:
                status, answer = self._answer(address.path, address.query, raw)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _answer(self, path: str, query: str, raw: bytes) -> tuple[int, Any]:
            if state.is_away:
                return 503, {"code": "away", "message": "away"}
            if self.headers["Authorization"] != f"token {KEY}":
                return 401, {"code": "unauthenticated", "message": "Authentication is required"}
            return state.answer(self.command, path, dict(parse_qsl(query)), json.loads(raw or "{}"))

        do_GET = do_POST = _any  # noqa: N815 - its base asks for these names

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = BTCPayServer(now, f"http://127.0.0.1:{server.server_address[1]}")
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


def _new() -> str:
    return secrets.token_hex(11)
