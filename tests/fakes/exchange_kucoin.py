"""KuCoin's dialect: HMAC in base64, a signed passphrase, pages with their total, fills by the week."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.exchange_server import Asked, Refused

_DAY_MS = 86_400_000
_LONGEST_MS = {"/api/v1/fills": 7 * _DAY_MS, "/api/v1/accounts/ledgers": _DAY_MS}


@dataclass
class KucoinAccount:
    """What the account holds and did, as KuCoin writes it."""

    name: str = "kucoin"
    key: str = "kucoin-key"
    secret: str = "kucoin-secret"
    passphrase: str = "kucoin-words"
    permission: str | None = "General"
    balances: dict[str, str] = field(default_factory=dict)
    fills: list[dict[str, Any]] = field(default_factory=list)
    deposits: list[dict[str, Any]] = field(default_factory=list)
    withdrawals: list[dict[str, Any]] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Any:
        self._check(asked)
        if asked.path == "/api/v1/user/api-key":
            return _ok({"remark": "r", "uid": 77, "permission": self.permission})
        if asked.path == "/api/v1/accounts":
            return _ok(
                [
                    {"currency": code, "type": "trade", "balance": amount}
                    for code, amount in self.balances.items()
                ]
            )
        rows = {
            "/api/v1/fills": self.fills,
            "/api/v1/deposits": self.deposits,
            "/api/v1/withdrawals": self.withdrawals,
            "/api/v1/accounts/ledgers": self.ledger,
        }
        start, end = int(asked.query["startAt"]), int(asked.query["endAt"])
        if end - start > _LONGEST_MS.get(asked.path, end):
            raise Refused(400, {"code": "400100", "msg": "the range is too long"})
        return _ok(
            _page(
                [row for row in rows[asked.path] if start <= row["createdAt"] <= end], asked.query
            )
        )

    def _check(self, asked: Asked) -> None:
        if asked.headers.get("kc-api-key") != self.key:
            raise Refused(401, {"code": "400003", "msg": "KC-API-KEY not exists"})
        query = f"?{asked.raw_query}" if asked.raw_query else ""
        text = f"{asked.headers['kc-api-timestamp']}{asked.method}{asked.path}{query}"
        if asked.headers["kc-api-sign"] != self._signed(text):
            raise Refused(401, {"code": "400005", "msg": "Invalid KC-API-SIGN"})
        if asked.headers["kc-api-passphrase"] != self._signed(self.passphrase):
            raise Refused(401, {"code": "400004", "msg": "Invalid KC-API-PASSPHRASE"})

    def _signed(self, text: str) -> str:
        return base64.b64encode(
            hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).digest()
        ).decode()


def fill(  # noqa: PLR0917  a row has so many parts
    number: int, side: str, price: str, size: str, funds: str, fee: str, at: int
) -> dict[str, Any]:
    """A row of the fills."""
    return {
        "symbol": "BTC-USDT", "tradeId": f"t{number}", "orderId": f"o{number}", "side": side, "liquidity": "taker",
        "price": price, "size": size, "funds": funds, "fee": fee, "feeRate": "0.001", "feeCurrency": "USDT",
        "type": "limit", "createdAt": at, "tradeType": "TRADE",
    }  # fmt: skip


def move(  # noqa: PLR0917  a row has so many parts
    currency: str,
    amount: str,
    fee: str,
    at: int,
    number: str | None = None,
    status: str = "SUCCESS",
    *,
    is_inner: bool = False,
) -> dict[str, Any]:
    """A row of the deposits, or of the withdrawals where it has an id."""
    row = {
        "currency": currency, "amount": amount, "fee": fee, "createdAt": at, "updatedAt": at, "status": status,
        "walletTxId": "" if is_inner else f"0x{at}", "isInner": is_inner, "address": "a", "memo": "", "chain": "btc", "remark": "",
    }  # fmt: skip
    return row if number is None else {"id": number, **row}


def entry(  # noqa: PLR0917  a row has so many parts
    number: str, kind: str, currency: str, amount: str, at: int, direction: str = "in"
) -> dict[str, Any]:
    """A row of the ledger."""
    return {
        "id": number, "currency": currency, "amount": amount, "fee": "0", "balance": "0", "accountType": "MAIN",
        "bizType": kind, "direction": direction, "createdAt": at, "context": "",
    }  # fmt: skip


def _ok(data: Any) -> dict[str, Any]:
    return {"code": "200000", "data": data}


def _page(rows: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
    page, size = int(query["currentPage"]), int(query["pageSize"])
    items = rows[(page - 1) * size : page * size]
    return {
        "currentPage": page,
        "pageSize": size,
        "totalNum": len(rows),
        "totalPage": -(-len(rows) // size),
        "items": items,
    }
