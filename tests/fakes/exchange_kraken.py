"""Kraken's dialect: HMAC-SHA512 over path and SHA-256 of nonce and body; nonces must grow; 50 rows from the newest."""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.exchange_server import Asked, Refused

READ_ONLY = ["query-funds", "query-open-trades", "query-closed-trades", "query-ledger"]
_PAGE = 50
_ASSETS = {
    "XXBT": "XBT", "XETH": "ETH", "XLTC": "LTC", "ZEUR": "EUR", "ZUSD": "USD", "ADA": "ADA", "DOT": "DOT",
    "DOT.S": "DOT.S", "XTZ": "XTZ", "XICN": "ICN",
}  # fmt: skip
_PAIRS = {
    "XXBTZEUR": ("XXBT", "ZEUR"), "XXBTZUSD": ("XXBT", "ZUSD"), "XETHXXBT": ("XETH", "XXBT"),
    "XLTCXXBT": ("XLTC", "XXBT"), "ADAEUR": ("ADA", "ZEUR"),
}  # fmt: skip


@dataclass
class KrakenAccount:
    """What the account holds and did, as Kraken writes it; `nonces` are those that were accepted, in order."""

    name: str = "kraken"
    key: str = "kraken-key"
    secret: str = base64.b64encode(b"kraken-secret").decode()
    permissions: list[str] | None = field(default_factory=lambda: list(READ_ONLY))
    balances: dict[str, str] = field(default_factory=dict)
    trades: dict[str, dict[str, Any]] = field(default_factory=dict)
    ledger: dict[str, dict[str, Any]] = field(default_factory=dict)
    nonces: list[int] = field(default_factory=list)
    refused_nonces: int = 0
    page: int = _PAGE
    late: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Rows of the ledger that come in behind the first page that is asked for."""

    def answer(self, asked: Asked) -> Any:
        public = {"/0/public/Assets": self._assets, "/0/public/AssetPairs": self._pairs}.get(
            asked.path
        )
        if public is not None:
            return _ok(public())
        self._check(asked)
        name = asked.path.rpartition("/")[2]
        if name == "GetApiKeyInfo":
            if self.permissions is None:
                raise Refused(200, {"error": ["EGeneral:Permission denied"]})
            return _ok({"api_key_name": "mine", "permissions": self.permissions})
        if name == "BalanceEx":
            return _ok(
                {
                    asset: {"balance": amount, "hold_trade": "0"}
                    for asset, amount in self.balances.items()
                }
            )
        if name == "TradesHistory":
            return _ok(_newest(self.trades, "trades", asked.form, self.page))
        if name == "Ledgers":
            found = _newest(self.ledger, "ledger", asked.form, self.page)
            self.ledger |= self.late
            return _ok(found)
        raise Refused(200, {"error": ["EGeneral:Unknown method"]})

    def _check(self, asked: Asked) -> None:
        if asked.headers.get("api-key") != self.key:
            raise Refused(200, {"error": ["EAPI:Invalid key"]})
        nonce = asked.form["nonce"]
        digest = hashlib.sha256((nonce + asked.body).encode()).digest()
        secret = base64.b64decode(self.secret)
        wanted = hmac.new(secret, asked.path.encode() + digest, hashlib.sha512).digest()
        if asked.headers.get("api-sign") != base64.b64encode(wanted).decode():
            raise Refused(200, {"error": ["EAPI:Invalid signature"]})
        if self.nonces and int(nonce) <= self.nonces[-1]:
            self.refused_nonces += 1
            raise Refused(200, {"error": ["EAPI:Invalid nonce"]})
        self.nonces.append(int(nonce))

    def _assets(self) -> dict[str, Any]:
        return {
            name: {
                "aclass": "currency",
                "altname": alt,
                "decimals": 10,
                "display_decimals": 5,
                "status": "enabled",
            }
            for name, alt in _ASSETS.items()
        }

    def _pairs(self) -> dict[str, Any]:
        return {
            name: {
                "altname": name.replace("XXBT", "XBT").replace("ZEUR", "EUR").replace("ZUSD", "USD"),
                "wsname": "/".join(_ASSETS[side] for side in sides), "base": sides[0], "quote": sides[1],
                "aclass_base": "currency", "aclass_quote": "currency", "lot": "unit", "pair_decimals": 5,
                "lot_decimals": 8, "cost_decimals": 5, "lot_multiplier": 1, "leverage_buy": [], "leverage_sell": [],
                "fees": [[0, 0.26]], "fees_maker": [[0, 0.16]], "ordermin": "0.0001", "status": "online",
            }
            for name, sides in _PAIRS.items()
        }  # fmt: skip


def trade(
    pair: str, side: str, price: str, amount: str, *, cost: str, fee: str, at: float
) -> dict[str, Any]:
    """A row of `TradesHistory`; `at` in epoch seconds."""
    return {
        "ordertxid": "O", "postxid": "P", "pair": pair, "time": at, "type": side, "ordertype": "limit", "price": price,
        "cost": cost, "fee": fee, "vol": amount, "margin": "0.00000", "misc": "",
    }  # fmt: skip


def entry(
    kind: str,
    asset: str,
    amount: str,
    at: float,
    *,
    fee: str = "0",
    refid: str = "R",
    subtype: str = "",
) -> dict[str, Any]:
    """A row of `Ledgers`."""
    return {
        "refid": refid, "time": at, "type": kind, "subtype": subtype, "aclass": "currency", "asset": asset,
        "amount": amount, "fee": fee, "balance": "0",
    }  # fmt: skip


def _ok(result: Any) -> dict[str, Any]:
    return {"error": [], "result": result}


def _newest(
    rows: dict[str, dict[str, Any]], part: str, form: dict[str, str], page: int
) -> dict[str, Any]:
    start, end = float(form.get("start", 0)), float(form.get("end", "inf"))
    found = [(name, row) for name, row in rows.items() if start < row["time"] <= end]
    newest = sorted(found, key=lambda item: -item[1]["time"])
    offset = int(form.get("ofs", 0))
    return {part: dict(newest[offset : offset + page]), "count": len(newest)}
