"""Bybit: spot executions and yields of Earn in windows of a week for two years back, transfers in windows of 30 days."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from coinsphere.exchanges.api.client import Client
from coinsphere.exchanges.errors import PermissionMissing
from coinsphere.exchanges.model import KeyInfo, Known, Permissions, Stream
from coinsphere.exchanges.venues import ccxt_records
from coinsphere.exchanges.venues.pagination import Fetch, PageOf, optional, rows_of, windows
from coinsphere.exchanges.venues.rows import holdings, number
from coinsphere.market.sources.moments import from_milliseconds
from coinsphere.portfolio.imports.statements.grouping import refused
from coinsphere.portfolio.imports.statements.record import Entry, Record
from coinsphere.portfolio.model import Kind

_BEGIN = datetime(2019, 1, 1, tzinfo=UTC)
_REACH = timedelta(days=729)
_TRADES = 100
_TRANSFERS = 50
_YIELDS = 100
EARN = {"FlexibleSaving": Kind.INTEREST, "OnChain": Kind.STAKING}
_UNPAID = frozenset({"Pending", "Fail"})
_LATE = timedelta(days=30)
"""A yield is told when it begins to be owed, and may be paid so much later."""
_STATUSES = {
    **dict.fromkeys(("3", "10012", "success", "BlockchainConfirmed"), "ok"),
    **dict.fromkeys(("1", "2", "10011", "SecurityCheck", "Pending", "MoreInformationRequired"), "pending"),
    **dict.fromkeys(("4", "CancelByUser", "Reject", "Fail"), "failed"),
}  # fmt: skip
"""Of deposits and withdrawals (Bybit's documentation, "Enums Definitions"); others are told with their name."""
_STATUSES_WITHIN = {"1": "pending", "2": "ok", "3": "failed"}
"""Of deposits by other users of Bybit."""
_MOVING = frozenset({"AccountTransfer", "SubMemberTransfer", "SubMemberTransferList", "Withdraw"})


class Bybit:
    """See the module."""

    id = "bybit"
    name = "Bybit"
    requires_passphrase = False

    def key(self, client: Client) -> KeyInfo:
        """By `v5/user/query-api`. A key that is marked as read-only can do nothing, whatever else is granted."""
        permissions = client.call("privateGetV5UserQueryApi")["result"]
        granted = tuple(
            sorted(
                f"{group}.{name}"
                for group, names in permissions["permissions"].items()
                for name in names or ()
            )
        )
        writes = str(permissions.get("readOnly")) != "1"
        moves = any(name.partition(".")[2] in _MOVING for name in granted)
        trades = any(not name.startswith("Wallet.") for name in granted)
        uid = permissions.get("userID")
        return KeyInfo(
            Permissions(writes and trades, writes and moves, granted),
            None if uid is None else str(uid),
        )

    def balances(self, client: Client) -> dict[str, Decimal]:
        """Balances of the unified and the funding account, and of Earn."""
        unified = client.call("privateGetV5AccountWalletBalance", {"accountType": "UNIFIED"})
        funding = client.call(
            "privateGetV5AssetTransferQueryAccountCoinsBalance", {"accountType": "FUND"}
        )
        rows = [row for account in unified["result"]["list"] for row in account["coin"]]
        return holdings(
            self.id,
            [*rows, *funding["result"]["balance"], *_earning(client)],
            lambda row: (
                str(client.api.safe_currency_code(row["coin"])),
                number(row["walletBalance" if "walletBalance" in row else "amount"] or 0),
            ),
        )

    def streams(self, client: Client, known: Known) -> list[Stream]:  # noqa: ARG002  every market is told at once
        """The executions, deposits, withdrawals and yields."""
        client.markets()
        return [
            windows("trades", _executions(client), begin=_BEGIN, days=7, reach=_REACH),
            windows("deposits", _deposits(client, "QueryRecord"), begin=_BEGIN, days=30),
            windows(
                "internal deposits", _deposits(client, "QueryInternalRecord"), begin=_BEGIN, days=30
            ),
            windows("withdrawals", _withdrawals(client), begin=_BEGIN, days=30),
            *(_yields(client, category, kind) for category, kind in EARN.items()),
        ]


def _executions(client: Client) -> Fetch:
    method = "privateGetV5ExecutionList"
    return rows_of(
        Bybit.id,
        _pages(client, method, category="spot", execType="Trade", limit=_TRADES),
        _trade_name,
        lambda row: ccxt_records.trades(Bybit.id, _trade(client, row), _trade_name(row)),
    )


def _deposits(client: Client, which: Literal["QueryRecord", "QueryInternalRecord"]) -> Fetch:
    """Those on a chain, or those that other users of Bybit sent."""
    method = f"privateGetV5AssetDeposit{which}"
    return _transfers(client, "deposit", _pages(client, method, limit=_TRANSFERS))


def _withdrawals(client: Client) -> Fetch:
    """Those on a chain and, as type 2 asks for, those to other users of Bybit."""
    method = "privateGetV5AssetWithdrawQueryRecord"
    return _transfers(
        client, "withdrawal", _pages(client, method, limit=_TRANSFERS, withdrawType=2)
    )


def _transfers(client: Client, kind: Literal["deposit", "withdrawal"], pages: PageOf) -> Fetch:
    return rows_of(
        Bybit.id,
        pages,
        lambda row: ccxt_records.moved_name(_moved(client, row, kind)),
        lambda row: ccxt_records.moved(Bybit.id, _moved(client, row, kind)),
    )


def _yields(client: Client, category: str, kind: Kind) -> Stream:
    fetch = rows_of(
        Bybit.id,
        _pages(client, "privateGetV5EarnYield", category=category, limit=_YIELDS),
        lambda row: f"yield-{category}-{row['id']}",
        lambda row: [_yield(client, row, category, kind)],
    )
    name = f"yields {category}"
    return optional(windows(name, fetch, begin=_BEGIN, days=7, reach=_REACH, overlap=_LATE))


def _yield(client: Client, row: dict[str, Any], category: str, kind: Kind) -> Record | None:
    status = str(row["status"])
    if status in _UNPAID:
        return None
    entry = Entry(
        name=f"yield-{category}-{row['id']}",
        group="",
        at=from_milliseconds(row["createdAt"]),
        kind=category,
        asset=str(client.api.safe_currency_code(row["coin"])),
        change=number(row["amount"]),
    )
    if status != "Success":
        return refused(entry, f"{status[:40]!r} is no status that we know")
    return ccxt_records.income(entry, {category: kind}, ())


def _moved(client: Client, row: dict[str, Any], kind: str) -> dict[str, Any]:
    """As ccxt parses it, but for the status, and the time of what another user of Bybit sent, in seconds."""
    parsed, status = client.parse("parse_transaction", row), str(row["status"])
    if "createdTime" not in row:
        return {**parsed, "type": kind, "status": _STATUSES.get(status, status)}
    at = int(row["createdTime"]) * 1000
    status = _STATUSES_WITHIN.get(status, status)
    return {**parsed, "type": kind, "timestamp": at, "status": status, "txid": None}


def _trade_name(row: dict[str, Any]) -> str:
    return f"execution-{row['execId']}"


def _trade(client: Client, row: dict[str, Any]) -> dict[str, Any]:
    """As ccxt parses it, with the taxes that Bybit takes besides the fee, which ccxt leaves out."""
    # Without the category ccxt takes a market of this name for a contract.
    parsed = client.parse("parse_trade", {**row, "category": "spot"})
    more = [
        {"cost": each["fee"], "currency": client.api.safe_currency_code(each["feeCoin"])}
        for each in row.get("extraFees") or ()
    ]
    return {**parsed, "fees": [*(parsed.get("fees") or [parsed["fee"]]), *more]} if more else parsed


def _earning(client: Client) -> list[dict[str, Any]]:
    """The balances in Earn; none where the key may not read them."""
    try:
        answers = [client.call("privateGetV5EarnPosition", {"category": each}) for each in EARN]
    except PermissionMissing:
        return []
    return [row for each in answers for row in each["result"]["list"]]


def _pages(client: Client, method: str, **wanted: Any) -> PageOf:
    def page(start: int, end: int, token: str | None) -> tuple[list[dict[str, Any]], str | None]:
        window = {"startTime": start, "endTime": end - 1}
        cursor = {"cursor": token} if token else {}
        result = client.call(method, {**wanted, **window, **cursor})["result"]
        rows = next(result[name] for name in ("list", "rows", "yield") if name in result)
        return rows, (result.get("nextPageCursor") or None) if rows else None

    return page
