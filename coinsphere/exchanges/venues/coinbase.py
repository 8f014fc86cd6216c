"""Coinbase: fills of Advanced Trade by time, and the transactions of each wallet behind the last one that is known.

What a transaction means stands in `coinsphere.portfolio.imports.statements.coinbase`, for its files as well.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from coinsphere.errors import BadPayload
from coinsphere.exchanges.api.client import Client
from coinsphere.exchanges.model import KeyInfo, Known, Page, Permissions, Position, Stream
from coinsphere.exchanges.venues import ccxt_records
from coinsphere.exchanges.venues.pagination import Answer, windows
from coinsphere.market.sources.decimals import rounded
from coinsphere.portfolio.imports.statements import coinbase
from coinsphere.portfolio.imports.statements.grouping import refused
from coinsphere.portfolio.imports.statements.record import Entry, Nothing, NotUnderstood, Record

_BEGIN = datetime(2012, 10, 1, tzinfo=UTC)
_FILLS = 250
_ROWS = 100
_NEAR = timedelta(seconds=5)
"""How far the two rows of a conversion lie apart, each in the list of its own wallet."""
_PATIENCE = timedelta(days=1)
"""How long one half of a conversion waits for the other."""


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
            code = coinbase.asset(wallet["balance"]["currency"])
            found[code] = found.get(code, Decimal(0)) + Decimal(wallet["balance"]["amount"])
        return found

    def streams(self, client: Client, known: Known) -> list[Stream]:  # noqa: ARG002  every market is told at once
        """The fills, then the transactions of all wallets."""

        def fills(start: int, end: int, token: Any) -> Answer:
            return _fills(client, (start, end), token)

        wallets = [str(wallet["id"]) for wallet in _wallets(client)]
        return [windows("trades", fills, begin=_BEGIN), _transactions(client, wallets)]


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
        for record in ccxt_records.trades("coinbase", trade, f"fill-{row['entry_id']}")
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


def _transactions(client: Client, wallets: Sequence[str]) -> Stream:
    """The wallets' lists one after another; halves of conversions wait in the position, as each is in another list."""

    def page(position: Position, now: datetime) -> Page:
        after: dict[str, str] = dict(position.get("after", {}))
        left = list(position.get("left") or wallets)
        if not left:
            return Page([], position, is_last=True)
        rows, is_end = _rows(client, left[0], after.get(left[0]))
        if rows:
            after[left[0]] = rows[-1]["id"]
        left = left[1:] if is_end else left
        waiting = {
            **position.get("halves", {}),
            **{row["id"]: row for row in rows if _is_half(row)},
        }
        made = [each for row in rows if not _is_half(row) for each in _records([row])]
        if not left:
            made += _converted(waiting, now)
        follows = {"after": after, "halves": waiting, **({"left": left} if left else {})}
        return Page(made, follows, is_last=not left)

    return Stream("transactions", page)


def _rows(client: Client, wallet: str, after: str | None) -> tuple[list[dict[str, Any]], bool]:
    """What is settled of a wallet's next page, and whether nothing settled follows."""
    wanted = {"account_id": wallet, "order": "asc", "limit": _ROWS}
    if after:
        wanted["starting_after"] = after
    rows = client.call("v2PrivateGetAccountsAccountIdTransactions", wanted)["data"]
    settled = list(_settled(rows))
    return settled, len(rows) < _ROWS or len(settled) < len(rows)


def _is_half(row: dict[str, Any]) -> bool:
    is_conversion = coinbase.meaning(str(row["type"])) is coinbase.Meaning.CONVERTED
    return is_conversion and row["status"] == "completed"


def _converted(waiting: dict[str, dict[str, Any]], now: datetime) -> list[Record]:
    """The conversions of which both halves are there, and halves that waited in vain; takes them out of `waiting`."""
    made: list[Record] = []
    for names in _conversions(waiting):
        rows = [waiting[name] for name in names]
        signs = {Decimal(row["amount"]["amount"]) > 0 for row in rows}
        if len(signs) > 1 or now - _moment(rows[0]) > _PATIENCE:
            made += _records(rows)
            for name in names:
                del waiting[name]
    return made


def _conversions(waiting: dict[str, dict[str, Any]]) -> list[list[str]]:
    """Halves of one conversion: by its id where the exchange tells it, else by time and sign."""
    found: dict[str, list[str]] = {}
    for name in sorted(waiting, key=lambda each: (_moment(waiting[each]), each)):
        row = waiting[name]
        told = (row.get(str(row["type"])) or {}).get("id")
        key = (
            f"id {told}"
            if told
            else next(
                (
                    each
                    for each, names in found.items()
                    if _completes(row, [waiting[n] for n in names])
                ),
                name,
            )
        )
        found.setdefault(key, []).append(name)
    return list(found.values())


def _completes(row: dict[str, Any], others: list[dict[str, Any]]) -> bool:
    one, *more = others
    signs = [Decimal(each["amount"]["amount"]) > 0 for each in (row, one)]
    is_near = abs(_moment(row) - _moment(one)) <= _NEAR
    return not more and one["type"] == row["type"] and signs[0] != signs[1] and is_near


def _settled(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Those before the first that is under way: it is asked for again by the next sync."""
    for row in rows:
        if row["status"] in ("pending", "waiting_for_clearing", "waiting_for_signature"):
            return
        yield row


def _records(rows: Sequence[dict[str, Any]]) -> list[Record]:
    """What rows mean that tell one event."""
    if any(row["status"] != "completed" for row in rows):
        return []
    try:
        entries = [_entry(row) for row in rows]
        what = coinbase.meaning(entries[0].kind)
        if what in (coinbase.Meaning.BOUGHT, coinbase.Meaning.SOLD) and entries[0].change:
            return [_bought(rows[0], entries[0])]
        made = coinbase.records(entries)
    except Nothing:
        return []
    except NotUnderstood as error:
        return [refused(entry, error.reason) for entry in entries]
    except (TypeError, KeyError, ArithmeticError) as error:
        raise BadPayload("coinbase", f"a transaction makes no sense ({error!r})") from error
    tx_hash = (rows[0].get("network") or {}).get("hash")
    return [record._replace(tx_hash=tx_hash) for record in made]


def _entry(row: dict[str, Any]) -> Entry:
    return Entry(
        name=f"tx-{row['id']}",
        group="",
        at=_moment(row),
        kind=str(row["type"]),
        asset=coinbase.asset(row["amount"]["currency"]),
        change=rounded(row["amount"]["amount"]),
    )


def _moment(row: dict[str, Any]) -> datetime:
    try:
        return datetime.fromisoformat(row["created_at"]).astimezone(UTC)
    except (TypeError, KeyError, ValueError) as error:
        raise BadPayload("coinbase", f"a transaction makes no sense ({error!r})") from error


def _bought(row: dict[str, Any], entry: Entry) -> Record:
    """A simple purchase or sale; what it cost, fees within, is the worth that Coinbase names."""
    worth = row["native_amount"]
    paid = (coinbase.asset(worth["currency"]), abs(rounded(worth["amount"])))
    return coinbase.purchase(entry.name, entry.at, (entry.asset, entry.change), paid)
