"""Coinbase's dialect: HMAC over time, method, path and query; fills behind a cursor, wallets' rows behind an id."""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fakes.exchange_server import Asked, Refused


@dataclass
class CoinbaseAccount:
    """What the account holds and did, as Coinbase writes it."""

    name: str = "coinbase"
    key: str = "coinbase-key"
    secret: str = "coinbase-secret"
    permissions: dict[str, Any] = field(
        default_factory=lambda: {
            "can_view": True,
            "can_trade": False,
            "can_transfer": False,
            "portfolio_uuid": "p-1",
        }
    )
    balances: dict[str, str] = field(default_factory=dict)
    fills: list[dict[str, Any]] = field(default_factory=list)
    transactions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Any:
        self._check(asked)
        if asked.path == "/api/v3/brokerage/key_permissions":
            return self.permissions
        if asked.path == "/api/v3/brokerage/orders/historical/fills":
            return self._fills(asked.query)
        if asked.path == "/v2/accounts":
            rows = [
                {"id": f"w-{code}", "balance": {"amount": amount, "currency": code}}
                for code, amount in self.balances.items()
            ]
            return {"data": rows}
        wallet = asked.path.split("/")[3]
        return {"data": _behind(self.transactions.get(wallet, []), asked.query)}

    def _check(self, asked: Asked) -> None:
        if asked.headers.get("cb-access-key") != self.key:
            raise Refused(
                401, {"errors": [{"id": "authentication_error", "message": "invalid api key"}]}
            )
        stamp = asked.headers["cb-access-timestamp"]
        query = f"?{asked.raw_query}" if asked.raw_query else ""
        # Version 3 signs the path alone; version 2 signs the query, too.
        signed = f"{stamp}{asked.method}{asked.path}{'' if '/v3/' in asked.path else query}"
        # ccxt signs version 2's query twice; the servers take the whole address in either form.
        forms = {
            signed,
            f"{stamp}{asked.method}{asked.path}{query}",
            f"{stamp}{asked.method}{asked.path}{query}{query}",
        }
        wanted = {
            hmac.new(self.secret.encode(), form.encode(), hashlib.sha256).hexdigest()
            for form in forms
        }
        if asked.headers["cb-access-sign"] not in wanted:
            raise Refused(
                401, {"errors": [{"id": "invalid_signature", "message": "invalid signature"}]}
            )

    def _fills(self, query: dict[str, str]) -> dict[str, Any]:
        start, end = (_moment(query[f"{side}_sequence_timestamp"]) for side in ("start", "end"))
        found = [row for row in self.fills if start <= _moment(row["trade_time"]) <= end]
        offset, limit = int(query.get("cursor") or 0), int(query["limit"])
        page = found[offset : offset + limit]
        return {"fills": page, "cursor": str(offset + limit) if offset + limit < len(found) else ""}


def fill(  # noqa: PLR0917  a row has so many parts
    number: int,
    side: str,
    price: str,
    size: str,
    commission: str,
    when: str,
    product: str = "BTC-USDT",
) -> dict[str, Any]:
    """A row of the fills."""
    return {
        "entry_id": f"e{number}", "trade_id": f"t{number}", "order_id": f"o{number}", "trade_time": when,
        "trade_type": "FILL", "price": price, "size": size, "commission": commission, "product_id": product,
        "sequence_timestamp": when, "liquidity_indicator": "TAKER", "size_in_quote": False, "side": side,
    }  # fmt: skip


def row(  # noqa: PLR0917  a row has so many parts
    number: str,
    kind: str,
    amount: str,
    asset: str,
    when: str,
    status: str = "completed",
    worth: str = "1",
) -> dict[str, Any]:
    """A row of a wallet's transactions."""
    return {
        "id": number, "type": kind, "status": status, "amount": {"amount": amount, "currency": asset},
        "native_amount": {"amount": worth, "currency": "EUR"}, "created_at": when, "network": {"hash": f"0x{number}"},
    }  # fmt: skip


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _behind(rows: list[dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
    after = query.get("starting_after")
    first = next((n + 1 for n, each in enumerate(rows) if each["id"] == after), 0)
    return rows[first : first + int(query["limit"])]
