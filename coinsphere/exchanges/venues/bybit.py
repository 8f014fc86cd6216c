"""Bybit: spot executions in windows of a week for two years back, transfers in windows of 30 days.

Its rewards are not told apart and show as a difference of balances.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from coinsphere.exchanges import records
from coinsphere.exchanges.client import Client
from coinsphere.exchanges.model import KeyInfo, Known, Permissions, Stream
from coinsphere.exchanges.streams import Answer, windows

_BEGIN = datetime(2019, 1, 1, tzinfo=UTC)
_REACH = timedelta(days=729)
_TRADES = 100
_TRANSFERS = 50
_MOVING = frozenset({"AccountTransfer", "SubMemberTransfer", "SubMemberTransferList", "Withdraw"})


class Bybit:
    """See the module."""

    id = "bybit"
    name = "Bybit"
    requires_passphrase = False

    def key(self, client: Client) -> KeyInfo:
        """By `v5/user/query-api`. A key that is marked as read-only can do nothing, whatever else is granted."""
        found = client.call("privateGetV5UserQueryApi")["result"]
        granted = tuple(
            sorted(
                f"{group}.{name}"
                for group, names in found["permissions"].items()
                for name in names or ()
            )
        )
        writes = str(found.get("readOnly")) != "1"
        moves = any(name.partition(".")[2] in _MOVING for name in granted)
        trades = any(not name.startswith("Wallet.") for name in granted)
        uid = found.get("userID")
        return KeyInfo(
            Permissions(writes and trades, writes and moves, granted),
            None if uid is None else str(uid),
        )

    def balances(self, client: Client) -> dict[str, Decimal]:
        """Balances of the unified and the funding account."""
        unified = client.call("privateGetV5AccountWalletBalance", {"accountType": "UNIFIED"})
        funding = client.call(
            "privateGetV5AssetTransferQueryAccountCoinsBalance", {"accountType": "FUND"}
        )
        rows = [row for account in unified["result"]["list"] for row in account["coin"]]
        found: dict[str, Decimal] = {}
        for row in [*rows, *funding["result"]["balance"]]:
            code = str(client.api.safe_currency_code(row["coin"]))
            found[code] = found.get(code, Decimal(0)) + Decimal(row["walletBalance"] or 0)
        return found

    def streams(self, client: Client, known: Known) -> list[Stream]:  # noqa: ARG002  every market is told at once
        """The executions, deposits and withdrawals."""
        client.markets()

        def executions(start: int, end: int, token: Any) -> Answer:
            wanted = {"category": "spot", "execType": "Trade", "limit": _TRADES}
            rows, following = _page(
                client, "privateGetV5ExecutionList", wanted, (start, end), token
            )
            # Without the category ccxt takes a market of this name for a contract.
            parsed = [client.parse("parse_trade", {**row, "category": "spot"}) for row in rows]
            found = [
                r
                for trade in parsed
                for r in records.trades("bybit", trade, f"execution-{trade['id']}")
            ]
            return Answer(found, following)

        def moves(method: str, kind: str) -> Any:
            def fetch(start: int, end: int, token: Any) -> Answer:
                rows, following = _page(client, method, {"limit": _TRANSFERS}, (start, end), token)
                parsed = [{**client.parse("parse_transaction", row), "type": kind} for row in rows]
                named = [{**row, "id": row["id"] or row["txid"]} for row in parsed]
                return Answer(list(records.transfers("bybit", named)), following)

            return fetch

        deposits = moves("privateGetV5AssetDepositQueryRecord", "deposit")
        withdrawals = moves("privateGetV5AssetWithdrawQueryRecord", "withdrawal")
        return [
            windows("trades", executions, begin=_BEGIN, days=7, reach=_REACH),
            windows("deposits", deposits, begin=_BEGIN, days=30),
            windows("withdrawals", withdrawals, begin=_BEGIN, days=30),
        ]


def _page(
    client: Client, method: str, wanted: dict[str, Any], ends: tuple[int, int], token: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    where = {"startTime": ends[0], "endTime": ends[1] - 1}
    result = client.call(method, {**wanted, **where, **({"cursor": token} if token else {})})[
        "result"
    ]
    rows = result["list"] if "list" in result else result["rows"]
    return rows, (result.get("nextPageCursor") or None) if rows else None
