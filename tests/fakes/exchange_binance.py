"""Binance's dialect: HMAC over the query, weights, windows of 90 days, trades by market from a number on."""

import hashlib
import hmac
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.fakes.exchange_server import Asked, Refused

_WINDOW_MS = 90 * 86_400_000
READ_ONLY = {
    "ipRestrict": True,
    "createTime": 1_600_000_000_000,
    "enableReading": True,
    "enableWithdrawals": False,
    "enableInternalTransfer": False,
    "permitsUniversalTransfer": False,
    "enableMargin": False,
    "enableFutures": False,
    "enableVanillaOptions": False,
    "enableSpotAndMarginTrading": False,
}


@dataclass
class BinanceAccount:
    """What the account holds and did, as Binance writes it."""

    name: str = "binance"
    most_conversions: int = 1_000
    key: str = "binance-key"
    secret: str = "binance-secret"
    restrictions: dict[str, Any] = field(default_factory=lambda: dict(READ_ONLY))
    balances: dict[str, tuple[str, str]] = field(default_factory=dict)
    markets: tuple[tuple[str, str], ...] = (
        ("BTC", "USDT"),
        ("ETH", "USDT"),
        ("ETH", "BTC"),
        ("ADA", "BTC"),
    )
    trades: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    deposits: list[dict[str, Any]] = field(default_factory=list)
    withdrawals: list[dict[str, Any]] = field(default_factory=list)
    dividends: list[dict[str, Any]] = field(default_factory=list)
    dust: list[dict[str, Any]] = field(default_factory=list)
    conversions: list[dict[str, Any]] = field(default_factory=list)
    payments: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Any:
        if asked.path == "/api/v3/exchangeInfo":
            return {
                "timezone": "UTC",
                "serverTime": 0,
                "symbols": [_market(*pair) for pair in self.markets],
            }
        self._check(asked)
        found = {
            "/api/v3/account": self._account,
            "/api/v3/myTrades": self._trades,
            "/sapi/v1/account/apiRestrictions": lambda _: self.restrictions,
            "/sapi/v1/capital/deposit/hisrec": self._deposits,
            "/sapi/v1/capital/withdraw/history": self._withdrawals,
            "/sapi/v1/asset/assetDividend": self._dividends,
            "/sapi/v1/asset/dribblet": self._dust,
            "/sapi/v1/convert/tradeFlow": self._conversions,
            "/sapi/v1/fiat/payments": self._payments,
        }[asked.path]
        return found(asked.query)

    def _check(self, asked: Asked) -> None:
        if asked.headers.get("x-mbx-apikey") != self.key:
            raise Refused(401, {"code": -2014, "msg": "API-key format invalid."})
        signed, _, signature = asked.raw_query.rpartition("&signature=")
        wanted = hmac.new(self.secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
        if signature != wanted:
            raise Refused(400, {"code": -1022, "msg": "Signature for this request is not valid."})

    def _account(self, _: dict[str, str]) -> dict[str, Any]:
        balances = [
            {"asset": a, "free": f, "locked": locked} for a, (f, locked) in self.balances.items()
        ]
        return {
            "uid": 354937868,
            "accountType": "SPOT",
            "balances": balances,
            "permissions": ["SPOT"],
        }

    def _trades(self, query: dict[str, str]) -> list[dict[str, Any]]:
        first, limit = int(query.get("fromId", 0)), int(query.get("limit", 500))
        rows = self.trades.get(query["symbol"], [])
        return [row for row in rows if row["id"] >= first][: min(limit, 1000)]

    def _deposits(self, query: dict[str, str]) -> list[dict[str, Any]]:
        return self._windowed(self.deposits, "insertTime", query)

    def _withdrawals(self, query: dict[str, str]) -> list[dict[str, Any]]:
        return self._windowed(self.withdrawals, "_at", query)

    def _windowed(
        self, rows: list[dict[str, Any]], part: str, query: dict[str, str]
    ) -> list[dict[str, Any]]:
        start, end = int(query["startTime"]), int(query["endTime"])
        if end - start > _WINDOW_MS:
            raise Refused(400, {"code": -1128, "msg": "The time interval must be within 0-90 days"})
        found = sorted(
            (row for row in rows if start <= row[part] <= end), key=lambda row: -row[part]
        )
        offset = int(query.get("offset", 0))
        page = found[offset : offset + int(query.get("limit", 1000))]
        return [{name: value for name, value in row.items() if name[0] != "_"} for row in page]

    def _dividends(self, query: dict[str, str]) -> dict[str, Any]:
        start, end = int(query["startTime"]), int(query["endTime"])
        if end - start > 2 * _WINDOW_MS:
            raise Refused(
                400, {"code": -1128, "msg": "The time interval must be within 0-180 days"}
            )
        found = [row for row in self.dividends if start <= row["divTime"] <= end]
        newest = sorted(found, key=lambda row: -row["divTime"])[: int(query["limit"])]
        return {"rows": newest, "total": len(found)}

    def _conversions(self, query: dict[str, str]) -> dict[str, Any]:
        """In no order, as none is documented."""
        start, end, limit = (int(query[part]) for part in ("startTime", "endTime", "limit"))
        if end - start > _WINDOW_MS // 3:
            raise Refused(400, {"code": -1128, "msg": "The time interval must be within 0-30 days"})
        found = [row for row in self.conversions if start <= row["createTime"] <= end]
        limit = min(limit, self.most_conversions)
        return {"list": found[:limit], "limit": limit, "moreData": len(found) > limit}

    def _payments(self, query: dict[str, str]) -> dict[str, Any]:
        start, end, page, size = (
            int(query[part]) for part in ("beginTime", "endTime", "page", "rows")
        )
        wanted = {"0": "buy", "1": "sell"}[query["transactionType"]]
        found = [
            row
            for side, row in self.payments
            if side == wanted and start <= row["createTime"] <= end
        ]
        rows = found[(page - 1) * size : page * size]
        return {
            "code": "000000",
            "message": "success",
            "data": rows,
            "total": len(found),
            "success": True,
        }

    def _dust(self, query: dict[str, str]) -> dict[str, Any]:
        start, end = int(query["startTime"]), int(query["endTime"])
        if end - start > _WINDOW_MS:
            raise Refused(400, {"code": -1128, "msg": "The time interval must be within 0-90 days"})
        found = [row for row in self.dust if start <= row["operateTime"] <= end]
        newest = sorted(found, key=lambda row: -row["operateTime"])[:100]
        return {"total": len(found), "userAssetDribblets": newest}


def converted(number: int, at: int, sent: str, got: str, status: str = "SUCCESS") -> dict[str, Any]:
    """A row of `convert/tradeFlow`; what was sent and got as `10 USDT`."""
    (given, gone), (came, come) = sent.split(), got.split()
    return {
        "quoteId": f"q{number}", "orderId": number, "orderStatus": status, "fromAsset": gone, "fromAmount": given,
        "toAsset": come, "toAmount": came, "ratio": "1", "inverseRatio": "1", "createTime": at,
    }  # fmt: skip


def payment(
    number: str,
    at: int,
    source: str,
    obtained: str,
    coin: str,
    *,
    price: str,
    fee: str = "0",
    status: str = "Completed",
) -> dict[str, Any]:
    """A row of `fiat/payments`, in euros."""
    return {
        "orderNo": number, "sourceAmount": source, "fiatCurrency": "EUR", "obtainAmount": obtained, "cryptoCurrency": coin,
        "totalFee": fee, "price": price, "status": status, "paymentMethod": "Credit Card", "createTime": at, "updateTime": at,
    }  # fmt: skip


def dust(number: int, at: int, *details: tuple[str, str, str, str]) -> dict[str, Any]:
    """A conversion of `dribblet`; each detail is asset, amount, what came of it, and the charge."""
    rows = [
        {
            "transId": number, "serviceChargeAmount": charge, "amount": amount, "operateTime": at,
            "transferedAmount": came, "fromAsset": asset,
        }
        for asset, amount, came, charge in details
    ]  # fmt: skip
    sums = [
        sum((Decimal(row[part]) for row in rows), Decimal(0))
        for part in ("transferedAmount", "serviceChargeAmount")
    ]
    return {
        "operateTime": at, "totalTransferedAmount": str(sums[0]), "totalServiceChargeAmount": str(sums[1]),
        "transId": number, "userAssetDribbletDetails": rows,
    }  # fmt: skip


def trade(
    number: int,
    side: str,
    price: str,
    amount: str,
    at: int,
    *,
    fee: tuple[str, str],
    market: str = "BTCUSDT",
) -> dict[str, Any]:
    """A row of `myTrades`; `at` in epoch milliseconds."""
    cost = format(Decimal(price) * Decimal(amount), "f")
    return {
        "symbol": market, "id": number, "orderId": 1000 + number, "orderListId": -1, "price": price, "qty": amount,
        "quoteQty": cost, "commission": fee[0], "commissionAsset": fee[1], "time": at, "isBuyer": side == "buy",
        "isMaker": False, "isBestMatch": True,
    }  # fmt: skip


def deposit(number: str, coin: str, amount: str, at: int, *, status: int = 1) -> dict[str, Any]:
    """A row of `deposit/hisrec`."""
    return {
        "id": number, "amount": amount, "coin": coin, "network": coin, "status": status, "address": "a",
        "addressTag": "", "txId": f"0x{number}", "insertTime": at, "transferType": 0, "confirmTimes": "1/1",
    }  # fmt: skip


def withdrawal(
    number: str, coin: str, amount: str, fee: str, *, apply_time: str, at: int, status: int = 6
) -> dict[str, Any]:
    """A row of `withdraw/history`; `_at` is the same instant in milliseconds, which the server filters by."""
    return {
        "id": number, "amount": amount, "transactionFee": fee, "coin": coin, "status": status, "address": "b",
        "txId": f"0x{number}", "applyTime": apply_time, "network": coin, "transferType": 0, "_at": at,
    }  # fmt: skip


def _market(base: str, quote: str) -> dict[str, Any]:
    return {
        "symbol": base + quote, "status": "TRADING", "baseAsset": base, "baseAssetPrecision": 8, "quoteAsset": quote,
        "quotePrecision": 8, "quoteAssetPrecision": 8, "orderTypes": ["LIMIT"], "icebergAllowed": True,
        "isSpotTradingAllowed": True, "isMarginTradingAllowed": False, "permissions": ["SPOT"],
        "permissionSets": [["SPOT"]],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
        ],
    }  # fmt: skip
