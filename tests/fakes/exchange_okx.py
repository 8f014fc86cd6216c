"""OKX's dialect: HMAC in base64 over an ISO time, a plain passphrase, newest first behind `after`."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.exchange_server import Asked, Refused


@dataclass
class OkxAccount:
    """What the account holds and did, as OKX writes it."""

    name: str = "okx"
    key: str = "okx-key-1"
    secret: str = "okx-secret"
    passphrase: str = "okx-words"
    perm: str | None = "read_only"
    balances: dict[str, str] = field(default_factory=dict)
    fills: list[dict[str, Any]] = field(default_factory=list)
    deposits: list[dict[str, Any]] = field(default_factory=list)
    withdrawals: list[dict[str, Any]] = field(default_factory=list)
    bills: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Any:
        self._check(asked)
        if asked.path == "/api/v5/account/config":
            return _ok([{"uid": "44", "perm": self.perm}])
        if asked.path == "/api/v5/account/balance":
            return _ok(
                [
                    {
                        "details": [
                            {"ccy": code, "eq": amount} for code, amount in self.balances.items()
                        ]
                    }
                ]
            )
        if asked.path == "/api/v5/asset/balances":
            return _ok([])
        if asked.path == "/api/v5/trade/fills-history":
            return _ok(self._fills(asked.query))
        rows = {
            "/api/v5/asset/deposit-history": self.deposits,
            "/api/v5/asset/withdrawal-history": self.withdrawals,
            "/api/v5/asset/bills-history": self.bills,
        }[asked.path]
        after, before = int(asked.query["after"]), int(asked.query["before"])
        found = sorted(
            (row for row in rows if before < int(row["ts"]) < after),
            key=lambda row: -int(row["ts"]),
        )
        return _ok(found[: int(asked.query["limit"])])

    def _check(self, asked: Asked) -> None:
        if asked.headers.get("ok-access-key") != self.key:
            raise Refused(401, {"code": "50111", "msg": "Invalid OK-ACCESS-KEY"})
        query = f"?{asked.raw_query}" if asked.raw_query else ""
        text = f"{asked.headers['ok-access-timestamp']}{asked.method}{asked.path}{query}"
        wanted = base64.b64encode(
            hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).digest()
        ).decode()
        if asked.headers["ok-access-sign"] != wanted:
            raise Refused(401, {"code": "50113", "msg": "Invalid Sign"})
        if asked.headers["ok-access-passphrase"] != self.passphrase:
            raise Refused(401, {"code": "50105", "msg": "OK-ACCESS-PASSPHRASE incorrect"})

    def _fills(self, query: dict[str, str]) -> list[dict[str, Any]]:
        start, end = int(query["begin"]), int(query["end"])
        found = [row for row in self.fills if start <= int(row["ts"]) <= end]
        found = [
            row for row in found if "after" not in query or int(row["billId"]) < int(query["after"])
        ]
        return sorted(found, key=lambda row: -int(row["billId"]))[: int(query["limit"])]


def fill(number: int, side: str, price: str, size: str, *, fee: str, at: int) -> dict[str, Any]:
    """A row of the fills; a fee is negative, a rebate is not."""
    return {
        "side": side, "fillSz": size, "fillPx": price, "fee": fee, "ordId": f"o{number}", "instType": "SPOT",
        "instId": "BTC-USDT", "billId": str(number), "tradeId": f"t{number}", "execType": "T", "feeCcy": "USDT",
        "ts": str(at),
    }  # fmt: skip


def move(currency: str, amount: str, at: int, *, fee: str | None = None) -> dict[str, Any]:
    """A row of the deposits, or of the withdrawals where it has a fee."""
    common = {
        "ccy": currency,
        "amt": amount,
        "ts": str(at),
        "state": "2",
        "txId": f"0x{at}",
        "chain": f"{currency}-X",
    }
    return (
        {**common, "depId": f"d{at}"} if fee is None else {**common, "wdId": f"w{at}", "fee": fee}
    )


def bill(number: int, kind: int, currency: str, change: str, at: int) -> dict[str, Any]:
    """A row of the funding account's bills."""
    return {
        "billId": str(number), "ccy": currency, "clientId": "", "balChg": change, "bal": "0", "type": str(kind),
        "ts": str(at), "notes": "",
    }  # fmt: skip


def _ok(data: Any) -> dict[str, Any]:
    return {"code": "0", "msg": "", "data": data}
