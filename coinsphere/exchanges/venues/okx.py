"""OKX: fills of the last three months (older ones are not served), deposits, withdrawals and incomes, newest first.

Trades from before are not told, nor what flexible savings earn before it is taken out; both show as a difference.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Literal

from coinsphere.exchanges.api.client import Client
from coinsphere.exchanges.model import KeyInfo, Known, Permissions, Stream
from coinsphere.exchanges.venues import ccxt_records
from coinsphere.exchanges.venues.pagination import Fetch, optional, rows_of, windows
from coinsphere.exchanges.venues.rows import bounds, holdings, number
from coinsphere.market.sources.moments import from_milliseconds
from coinsphere.portfolio.imports.statements.record import Entry, Record
from coinsphere.portfolio.model import Kind

_BEGIN = datetime(2017, 1, 1, tzinfo=UTC)
_REACH = timedelta(days=89)
_BILLS_BEGIN = datetime(2021, 2, 1, tzinfo=UTC)
"""It tells no older bills."""
_ROWS = 100
# The types of the funding account's bills, of more than a hundred, that are an income.
INCOME = {
    **dict.fromkeys(("83", "139", "328", "350"), Kind.STAKING),
    **dict.fromkeys(
        ("89", "162", "204", "209", "227", "242", "251", "307", "308", "309", "343", "344", "408", "516"), Kind.INTEREST
    ),
    **dict.fromkeys(("77", "229"), Kind.AIRDROP),
    **dict.fromkeys(
        (
            "28", "48", "68", "146", "150", "151", "152", "172", "173", "185", "189", "223", "265", "266", "299", "300",
            "333", "354",
        ),
        Kind.REWARD,
    ),
}  # fmt: skip
ELSEWHERE = frozenset(
    (
        # Deposits, withdrawals, and those that were cancelled.
        "1", "2", "13",
        # Savings, Jumpstart, staking, between funding and trading account, frozen and not, each there and back.
        "75", "76", "78", "80", "82", "124", "130", "131", "132", "133",
    )
)  # fmt: skip
"""What other lists tell, or what moves inside; every other type is listed as not understood."""


class Okx:
    """See the module."""

    id = "okx"
    name = "OKX"
    requires_passphrase = True

    def key(self, client: Client) -> KeyInfo:
        """By `account/config`."""
        config = client.call("privateGetAccountConfig")["data"][0]
        if not isinstance(config.get("perm"), str):
            return KeyInfo(Permissions(None, None), config.get("uid"))
        granted = tuple(sorted(part.strip() for part in config["perm"].split(",")))
        return KeyInfo(
            Permissions("trade" in granted, "withdraw" in granted, granted), config.get("uid")
        )

    def balances(self, client: Client) -> dict[str, Decimal]:
        """Balances of the trading and the funding account."""
        trading = client.call("privateGetAccountBalance")["data"][0]["details"]
        funding = client.call("privateGetAssetBalances")["data"]
        return holdings(
            self.id,
            [*trading, *funding],
            lambda row: (
                str(client.api.safe_currency_code(row["ccy"])),
                number(row["eq" if "eq" in row else "bal"] or 0),
            ),
        )

    def streams(self, client: Client, known: Known) -> list[Stream]:  # noqa: ARG002  every market is told at once
        """The fills, deposits, withdrawals and incomes."""
        return [
            windows("trades", _fills(client), begin=_BEGIN, reach=_REACH),
            windows("deposits", _transfers(client, "Deposit"), begin=_BEGIN),
            windows("withdrawals", _transfers(client, "Withdrawal"), begin=_BEGIN),
            optional(windows("rewards", _incomes(client), begin=_BILLS_BEGIN)),
        ]


def _fills(client: Client) -> Fetch:
    def page(start: int, end: int, token: str | None) -> tuple[list[dict[str, Any]], str | None]:
        wanted = {"instType": "SPOT", "begin": start, "end": end, "limit": _ROWS}
        after = {"after": token} if token else {}
        rows = client.call("privateGetTradeFillsHistory", {**wanted, **after})["data"]
        is_full = len(rows) >= _ROWS
        return rows, str(bounds(Okx.id, rows, _bill)[0]) if is_full else None

    return rows_of(Okx.id, page, _fill_name, lambda row: _fill(client, row))


def _transfers(client: Client, direction: Literal["Deposit", "Withdrawal"]) -> Fetch:
    return rows_of(
        Okx.id,
        partial(_page, client, f"privateGetAsset{direction}History"),
        lambda row: ccxt_records.moved_name(client.parse("parse_transaction", row)),
        lambda row: ccxt_records.moved(Okx.id, client.parse("parse_transaction", row)),
    )


def _incomes(client: Client) -> Fetch:
    return rows_of(
        Okx.id,
        partial(_page, client, "privateGetAssetBillsHistory"),
        lambda row: f"bill-{row['billId']}",
        lambda row: [_income(client, row)],
    )


def _page(
    client: Client, method: str, start: int, end: int, token: int | None
) -> tuple[list[dict[str, Any]], int | None]:
    # `after` means earlier than, `before` later than; at the edge a row may come twice, and is known then.
    wanted = {"before": start - 1, "after": token or end + 1, "limit": _ROWS}
    rows = client.call(method, wanted)["data"]
    return rows, _older(rows, token)


def _older(rows: list[dict[str, Any]], token: int | None) -> int | None:
    """The time in milliseconds before which the rows behind a full page lie; None where there are none."""
    if len(rows) < _ROWS:
        return None
    following = bounds("okx", rows, lambda row: int(row["ts"]))[0] + 1
    return following if following != token else None


def _bill(row: dict[str, Any]) -> int:
    return int(row["billId"])


def _fill_name(row: dict[str, Any]) -> str:
    return f"fill-{row['billId']}"


def _fill(client: Client, row: dict[str, Any]) -> Iterator[Record]:
    return ccxt_records.trades("okx", client.parse("parse_trade", row), _fill_name(row))


def _income(client: Client, row: dict[str, Any]) -> Record | None:
    entry = Entry(
        name=f"bill-{row['billId']}",
        group="",
        at=from_milliseconds(row["ts"]),
        kind=str(row["type"]),
        asset=str(client.api.safe_currency_code(row["ccy"])),
        change=number(row["balChg"]),
    )
    return ccxt_records.income(entry, INCOME, ELSEWHERE)
