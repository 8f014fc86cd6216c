"""Bybit's dialect: HMAC in hexadecimal over time, key, window and query; cursors, executions by the week."""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.exchange_server import Asked, Refused

_DAY_MS = 86_400_000


@dataclass
class BybitAccount:
    """What the account holds and did, as Bybit writes it."""

    name: str = "bybit"
    key: str = "bybit-key"
    secret: str = "bybit-secret"
    read_only: int = 1
    permissions: dict[str, list[str]] = field(
        default_factory=lambda: {"Spot": ["SpotTrade"], "Wallet": []}
    )
    balances: dict[str, str] = field(default_factory=dict)
    executions: list[dict[str, Any]] = field(default_factory=list)
    deposits: list[dict[str, Any]] = field(default_factory=list)
    internal_deposits: list[dict[str, Any]] = field(default_factory=list)
    withdrawals: list[dict[str, Any]] = field(default_factory=list)
    yields: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    earning: dict[str, str] = field(default_factory=dict)
    may_see_earn: bool = True

    def answer(self, asked: Asked) -> Any:
        if asked.path == "/v5/market/instruments-info":
            return _ok(
                {"category": asked.query["category"], "list": _markets(asked.query["category"])}
            )
        self._check(asked)
        if asked.path.startswith("/v5/earn/"):
            return self._earn(asked)
        rows = {
            "/v5/execution/list": (self.executions, "execTime", "list", 7),
            "/v5/asset/deposit/query-record": (self.deposits, "successAt", "rows", 30),
            "/v5/asset/deposit/query-internal-record": (
                self._internal(asked),
                "createdTime",
                "rows",
                30,
            ),
            "/v5/asset/withdraw/query-record": (self._withdrawn(asked), "createTime", "rows", 30),
        }
        if asked.path in rows:
            return self._page(*rows[asked.path], asked.query)
        coins = [{"coin": code, "walletBalance": amount} for code, amount in self.balances.items()]
        return _ok({
            "/v5/user/query-api": {"readOnly": self.read_only, "permissions": self.permissions, "userID": 24},
            "/v5/account/wallet-balance": {"list": [{"coin": coins}]},
            "/v5/asset/transfer/query-account-coins-balance": {"balance": []},
        }[asked.path])  # fmt: skip

    def _withdrawn(self, asked: Asked) -> list[dict[str, Any]]:
        """Those on a chain, and with `withdrawType` 2 all."""
        is_all = asked.query.get("withdrawType") == "2"
        return [row for row in self.withdrawals if is_all or row["withdrawType"] == 0]

    def _internal(self, asked: Asked) -> list[dict[str, Any]]:
        """Its rows tell seconds, its query milliseconds."""
        if asked.path != "/v5/asset/deposit/query-internal-record":
            return []
        start, end = (int(asked.query[name]) for name in ("startTime", "endTime"))
        return [
            row for row in self.internal_deposits if start <= int(row["createdTime"]) * 1000 <= end
        ]

    def _check(self, asked: Asked) -> None:
        if asked.headers.get("x-bapi-api-key") != self.key:
            raise Refused(200, {"retCode": 10003, "retMsg": "API key is invalid.", "result": {}})
        text = f"{asked.headers['x-bapi-timestamp']}{self.key}{asked.headers['x-bapi-recv-window']}{asked.raw_query}"
        wanted = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        if asked.headers["x-bapi-sign"] != wanted:
            raise Refused(200, {"retCode": 10004, "retMsg": "error sign!", "result": {}})

    def _earn(self, asked: Asked) -> dict[str, Any]:
        if not self.may_see_earn:
            raise Refused(200, {"retCode": 10005, "retMsg": "Permission denied", "result": {}})
        category = asked.query["category"]
        if asked.path == "/v5/earn/yield":
            return self._page(self.yields.get(category, []), "createdAt", "yield", 7, asked.query)
        held = self.earning.items() if category == "FlexibleSaving" else ()
        return _ok(
            {
                "list": [
                    {"coin": coin, "amount": amount, "productId": "428"} for coin, amount in held
                ]
            }
        )

    def _page(
        self, rows: list[dict[str, Any]], part: str, name: str, days: int, query: dict[str, str]
    ) -> dict[str, Any]:
        start, end = int(query["startTime"]), int(query["endTime"])
        if end - start > days * _DAY_MS:
            raise Refused(
                200, {"retCode": 10001, "retMsg": "the time range is too long", "result": {}}
            )
        found = [row for row in rows if part == "createdTime" or start <= int(row[part]) <= end]
        offset, limit = int(query.get("cursor") or 0), int(query["limit"])
        more = str(offset + limit) if offset + limit < len(found) else ""
        return _ok({name: found[offset : offset + limit], "nextPageCursor": more})


def execution(  # noqa: PLR0917  a row has so many parts
    number: int, side: str, price: str, size: str, value: str, fee: str, at: int
) -> dict[str, Any]:
    """A row of the executions."""
    return {
        "symbol": "BTCUSDT", "orderType": "Limit", "side": side, "orderId": f"o{number}", "execTime": str(at),
        "isMaker": False, "execFee": fee, "feeRate": "0.001", "feeCurrency": "USDT", "execId": f"e{number}",
        "execPrice": price, "execQty": size, "execValue": value, "execType": "Trade", "feeCoin": "USDT",
    }  # fmt: skip


def deposit(coin: str, amount: str, at: int) -> dict[str, Any]:
    """A row of the deposits."""
    return {
        "coin": coin,
        "chain": coin,
        "amount": amount,
        "txID": f"0x{at}",
        "status": 3,
        "depositFee": "",
        "successAt": str(at),
    }


def internal_deposit(coin: str, amount: str, at: int, status: int = 2) -> dict[str, Any]:
    """A row of what other users sent."""
    return {
        "id": f"i{at}", "type": 1, "coin": coin, "amount": amount, "status": status, "address": "a***@b.ch",
        "createdTime": str(at // 1000), "txID": "77c37e5c-d9fa-41e5-bd13-c9b59d95",
    }  # fmt: skip


def withdrawal(  # noqa: PLR0917  a row has so many parts
    coin: str, amount: str, fee: str, at: int, status: str = "success", on_chain: int = 0
) -> dict[str, Any]:
    """A row of the withdrawals; `on_chain` is 1 where it went to another user, without a transaction."""
    return {
        "withdrawType": on_chain,
        "coin": coin, "chain": coin, "amount": amount, "txID": f"0x{at}" * (not on_chain), "status": status,
        "withdrawFee": fee,
        "createTime": str(at), "updateTime": str(at), "withdrawId": f"w{at}", "toAddress": "a",
    }  # fmt: skip


def earned(number: int, coin: str, amount: str, at: int, status: str = "Success") -> dict[str, Any]:
    """A row of the yields."""
    return {
        "productId": "428", "coin": coin, "id": str(number), "amount": amount, "yieldType": "Normal",
        "distributionMode": "Auto", "effectiveStakingAmount": "1000", "orderId": "", "status": status,
        "createdAt": str(at),
    }  # fmt: skip


def _markets(category: str) -> list[dict[str, Any]]:
    if category != "spot":
        return []
    return [{
        "symbol": "BTCUSDT", "baseCoin": "BTC", "quoteCoin": "USDT", "innovation": "0", "status": "Trading",
        "marginTrading": "both", "lotSizeFilter": {"basePrecision": "0.000001", "quotePrecision": "0.01",
        "minOrderQty": "0.00001", "maxOrderQty": "100", "minOrderAmt": "1", "maxOrderAmt": "100000"},
        "priceFilter": {"tickSize": "0.01"},
    }]  # fmt: skip


def _ok(result: Any) -> dict[str, Any]:
    return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": 0}
