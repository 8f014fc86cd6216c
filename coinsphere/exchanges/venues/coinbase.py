"""Coinbase: fills of Advanced Trade by time, and the transactions of each wallet behind the last one that is known."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from coinsphere.errors import BadPayload
from coinsphere.exchanges import records
from coinsphere.exchanges.client import Client
from coinsphere.exchanges.model import KeyInfo, Known, Page, Permissions, Position, Record, Stream
from coinsphere.exchanges.streams import Answer, windows
from coinsphere.market.sources.decimals import rounded
from coinsphere.market.sources.moments import from_milliseconds
from coinsphere.portfolio.model import EXACT, Kind

_BEGIN = datetime(2012, 10, 1, tzinfo=UTC)
_FILLS = 250
_ROWS = 100
_INCOME = {
    "staking_reward": Kind.STAKING, "inflation_reward": Kind.STAKING, "interest": Kind.INTEREST,
    "earn_payout": Kind.REWARD, "incentives_rewards_payout": Kind.REWARD, "cardspend_rewards": Kind.REWARD,
    "learning_reward": Kind.REWARD, "airdrop": Kind.AIRDROP,
}  # fmt: skip
_BOUGHT = frozenset({"buy", "sell"})
_ELSEWHERE = frozenset({
    "advanced_trade_fill", "staking_transfer", "unstaking_transfer", "vault_withdrawal", "retail_eth2_deprecation",
})  # fmt: skip
"""What the fills tell, and moves between the user's own wallets at Coinbase."""


class Coinbase:
    """See the module."""

    id = "coinbase"
    name = "Coinbase"
    requires_passphrase = False

    def key(self, client: Client) -> KeyInfo:
        """By `key_permissions`."""
        found = client.call("v3PrivateGetBrokerageKeyPermissions")
        rights = {name: found.get(name) for name in ("can_view", "can_trade", "can_transfer")}
        granted = tuple(name for name, value in rights.items() if value is True)
        permissions = Permissions(rights["can_trade"], rights["can_transfer"], granted)
        return KeyInfo(permissions, found.get("portfolio_uuid") or None)

    def balances(self, client: Client) -> dict[str, Decimal]:
        """Balances of all wallets."""
        found: dict[str, Decimal] = {}
        for wallet in _wallets(client):
            code = str(client.api.safe_currency_code(wallet["balance"]["currency"]))
            found[code] = found.get(code, Decimal(0)) + Decimal(wallet["balance"]["amount"])
        return found

    def streams(self, client: Client, known: Known) -> list[Stream]:  # noqa: ARG002  every market is told at once
        """The fills, then the transactions of each wallet."""

        def fills(start: int, end: int, token: Any) -> Answer:
            return _fills(client, (start, end), token)

        wallets = [_transactions(client, wallet["id"]) for wallet in _wallets(client)]
        return [windows("trades", fills, begin=_BEGIN), *wallets]


def _fills(client: Client, ends: tuple[int, int], token: str | None) -> Answer:
    wanted: dict[str, Any] = {
        "start_sequence_timestamp": client.api.iso8601(ends[0]),
        "end_sequence_timestamp": client.api.iso8601(ends[1]),
        "limit": _FILLS,
    }
    if token:
        wanted["cursor"] = token
    answer = client.call("v3PrivateGetBrokerageOrdersHistoricalFills", wanted)
    rows = [row for row in answer["fills"] if row.get("trade_type", "FILL") == "FILL"]
    parsed = ((row, client.parse("parse_trade", row)) for row in rows)
    found = [
        record
        for row, trade in parsed
        for record in records.trades("coinbase", trade, f"fill-{row['entry_id']}")
    ]
    return Answer(found, answer.get("cursor") or None)


def _wallets(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        wanted = {"limit": _ROWS, **({"starting_after": after} if after else {})}
        rows = client.call("v2PrivateGetAccounts", wanted)["data"]
        found += rows
        if len(rows) < _ROWS:
            return found
        after = rows[-1]["id"]


def _transactions(client: Client, wallet_id: str) -> Stream:
    def page(position: Position, now: datetime) -> Page:  # noqa: ARG001  every stream has it
        after = position.get("after")
        wanted = {"account_id": wallet_id, "order": "asc", "limit": _ROWS}
        if after:
            wanted["starting_after"] = after
        rows = client.call("v2PrivateGetAccountsAccountIdTransactions", wanted)["data"]
        settled = list(_settled(rows))
        found = [record for row in settled if (record := _record(client, row)) is not None]
        last = settled[-1]["id"] if settled else after
        is_last = len(rows) < _ROWS or len(settled) < len(rows)
        return Page(found, {"after": last} if last else {}, is_last)

    return Stream(f"wallet {wallet_id}", page)


def _settled(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Those before the first that is under way: it is asked for again by the next sync."""
    for row in rows:
        if row["status"] in ("pending", "waiting_for_clearing", "waiting_for_signature"):
            return
        yield row


def _record(client: Client, row: dict[str, Any]) -> Record | None:
    kind = str(row["type"])
    if row["status"] != "completed" or kind in _ELSEWHERE:
        return None
    try:
        moment = from_milliseconds(client.api.parse8601(row["created_at"]))
        asset = str(client.api.safe_currency_code(row["amount"]["currency"]))
        change = Decimal(row["amount"]["amount"])
        if kind in _BOUGHT and change:
            worth = Decimal(row["native_amount"]["amount"])
            return _bought(client, row, moment, (asset, change), worth)
    except (TypeError, KeyError, ArithmeticError) as error:
        raise BadPayload("coinbase", f"a transaction makes no sense ({error!r})") from error
    tx_hash = (row.get("network") or {}).get("hash")
    return records.transfer(
        f"tx-{row['id']}", moment, asset, change, tx_hash=tx_hash, income=_INCOME.get(kind)
    )


def _bought(
    client: Client,
    row: dict[str, Any],
    moment: datetime,
    change: tuple[str, Decimal],
    worth: Decimal,
) -> Record:
    """A simple purchase or sale; what it cost, fees within, is the worth that Coinbase names."""
    asset, amount = change
    money = (str(client.api.safe_currency_code(row["native_amount"]["currency"])), abs(worth))
    side = (asset, abs(amount))
    sent, received = (money, side) if amount > 0 else (side, money)
    price = EXACT.divide(money[1], side[1])
    return Record(f"tx-{row['id']}", Kind.SWAP, moment, sent, received, rounded(price))
