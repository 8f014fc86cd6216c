"""KuCoin: fills in windows of a week, transfers by page, rewards from the ledger, a day a call for a year back."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Literal

from coinsphere.exchanges.api.client import Client
from coinsphere.exchanges.model import KeyInfo, Known, Permissions, Stream
from coinsphere.exchanges.venues import ccxt_records
from coinsphere.exchanges.venues.pagination import Fetch, optional, rows_of, windows
from coinsphere.exchanges.venues.rows import holdings, number
from coinsphere.market.sources.moments import from_milliseconds
from coinsphere.portfolio.imports.statements import kucoin as kucoin_rows
from coinsphere.portfolio.imports.statements.record import Entry, Record

_BEGIN = datetime(2019, 2, 18, tzinfo=UTC)
"""It tells nothing from before."""
_ROWS = 500
_LEDGER_REACH = timedelta(days=364)
ELSEWHERE = frozenset(
    (
        # Deposits, withdrawals, trades with what they cost or give back.
        "deposit", "withdrawal", "withdraw", "exchange", "trade exchange", "kcs pay fees", "spot exchange rebate",
        # Between your own accounts, there and back.
        "transfer", "staking", "redemption", "voting", "redemption of voting",
    )
)  # fmt: skip
"""What other lists tell, or what moves inside; every other name is listed as not understood."""
_TRADING = frozenset({"Spot", "Margin", "Futures", "Trade", "Earn"})
_MOVING = frozenset(
    {
        "Withdrawal",
        "Withdraw",
        "Transfer",
        "InnerTransfer",
        "FlexTransfers",
        "Transfer_In",
        "Transfer_Out",
    }
)


class Kucoin:
    """See the module."""

    id = "kucoin"
    name = "KuCoin"
    requires_passphrase = True

    def key(self, client: Client) -> KeyInfo:
        """By `user/api-key`."""
        answer = client.call("privateGetUserApiKey")["data"]
        if not isinstance(answer.get("permission"), str):
            return KeyInfo(Permissions(None, None))
        granted = tuple(sorted(part.strip() for part in answer["permission"].split(",")))
        permissions = Permissions(
            bool(_TRADING & set(granted)), bool(_MOVING & set(granted)), granted
        )
        uid = answer.get("uid")
        return KeyInfo(permissions, None if uid is None else str(uid))

    def balances(self, client: Client) -> dict[str, Decimal]:
        """Balances of the main and the trading account."""
        return holdings(
            self.id,
            client.call("privateGetAccounts")["data"],
            lambda row: (
                str(client.api.safe_currency_code(row["currency"])),
                number(row["balance"]),
            ),
        )

    def streams(self, client: Client, known: Known) -> list[Stream]:  # noqa: ARG002  every market is told at once
        """The fills, deposits, withdrawals and incomes."""
        return [
            windows("trades", _fills(client), begin=_BEGIN, days=7),
            windows("deposits", _transfers(client, "Deposit"), begin=_BEGIN),
            windows("withdrawals", _transfers(client, "Withdrawal"), begin=_BEGIN),
            optional(
                windows("rewards", _incomes(client), begin=_BEGIN, days=1, reach=_LEDGER_REACH)
            ),
        ]


def _fills(client: Client) -> Fetch:
    return rows_of(
        Kucoin.id,
        partial(_page, client, "privateGetFills"),
        lambda row: f"fill-{row['symbol']}-{row['tradeId']}",
        lambda row: _trade(client.parse("parse_trade", row)),
    )


def _transfers(client: Client, direction: Literal["Deposit", "Withdrawal"]) -> Fetch:
    kind = direction.lower()
    return rows_of(
        Kucoin.id,
        partial(_page, client, f"privateGet{direction}s"),
        lambda row: ccxt_records.moved_name(_moved(client, row, kind)),
        # Those within KuCoin, too: they go to other people's accounts, or come from them.
        lambda row: ccxt_records.moved(Kucoin.id, _moved(client, row, kind)),
    )


def _incomes(client: Client) -> Fetch:
    return rows_of(
        Kucoin.id,
        partial(_page, client, "privateGetAccountsLedgers"),
        lambda row: f"ledger-{row['id']}",
        lambda row: [_income(client, row)],
    )


def _trade(trade: dict[str, Any]) -> list[Record]:
    market = str(trade["symbol"]).replace("/", "-")
    return list(ccxt_records.trades("kucoin", trade, f"fill-{market}-{trade['id']}"))


def _moved(client: Client, row: dict[str, Any], kind: str) -> dict[str, Any]:
    """As ccxt parses it; a deposit has no id here, but its transaction, and one within KuCoin not even that."""
    parsed = {**client.parse("parse_transaction", row), "type": kind}
    through = parsed["txid"] or f"within-{parsed['currency']}-{parsed['amount']}"
    return {**parsed, "id": parsed["id"] or f"{through}-{parsed['timestamp']}"}


def _income(client: Client, row: dict[str, Any]) -> Record | None:
    name = str(row["bizType"]).replace("_", " ").lower()
    amount, is_in = number(row["amount"]), str(row["direction"]).lower() == "in"
    entry = Entry(
        name=f"ledger-{row['id']}",
        group="",
        at=from_milliseconds(row["createdAt"]),
        kind=name,
        asset=str(client.api.safe_currency_code(row["currency"])),
        # The direction is the sign; an amount that has one as well takes, whatever the direction.
        change=amount if is_in else -abs(amount),
    )
    kind = kucoin_rows.kind_of(name)
    return ccxt_records.income(entry, {} if kind is None else {name: kind}, ELSEWHERE)


def _page(
    client: Client, method: str, start: int, end: int, token: int | None
) -> tuple[list[dict[str, Any]], int | None]:
    page = token or 1
    wanted = {"startAt": start, "endAt": end, "currentPage": page, "pageSize": _ROWS}
    data = client.call(method, wanted)["data"]
    return data["items"], page + 1 if page < int(data["totalPage"]) else None
