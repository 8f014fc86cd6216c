"""Coinbase: fills of Advanced Trade by time, and the transactions of each wallet behind the last one that is known.

What a transaction means stands in `coinsphere.portfolio.imports.statements.coinbase`, for its files as well.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from coinsphere.errors import BadPayload
from coinsphere.exchanges.api.client import Client
from coinsphere.exchanges.model import (
    KeyInfo,
    Known,
    Page,
    Permissions,
    Position,
    Stream,
    Unread,
)
from coinsphere.exchanges.venues import ccxt_records
from coinsphere.exchanges.venues.coinbase_conversions import half_of, moment, or_none, pairs
from coinsphere.exchanges.venues.pagination import Answer, windows
from coinsphere.exchanges.venues.rows import (
    NONSENSE,
    Told,
    holdings,
    number,
    read,
    require_sense,
    unread,
    why,
)
from coinsphere.market.sources.decimals import rounded
from coinsphere.portfolio.imports.statements import coinbase
from coinsphere.portfolio.imports.statements.grouping import refused
from coinsphere.portfolio.imports.statements.record import Entry, Nothing, NotUnderstood, Record

_BEGIN = datetime(2012, 10, 1, tzinfo=UTC)
_FILLS = 250
_ROWS = 100
_NEVER = frozenset({"failed", "expired", "canceled"})
"""Statuses of what did not happen; another that is none of these is told, with its name."""
_PATIENCE = timedelta(days=1)
"""How long one half of a conversion waits for the other."""


class Coinbase:
    """See the module."""

    id = "coinbase"
    name = "Coinbase"
    requires_passphrase = False

    def key(self, client: Client) -> KeyInfo:
        """By `key_permissions`."""
        answer = client.call("v3PrivateGetBrokerageKeyPermissions")
        rights = {name: answer.get(name) for name in ("can_view", "can_trade", "can_transfer")}
        granted = tuple(name for name, value in rights.items() if value is True)
        permissions = Permissions(rights["can_trade"], rights["can_transfer"], granted)
        return KeyInfo(permissions, answer.get("portfolio_uuid") or None)

    def balances(self, client: Client) -> dict[str, Decimal]:
        """Balances of all wallets."""
        return holdings(
            self.id,
            _wallets(client),
            lambda wallet: (
                coinbase.asset(wallet["balance"]["currency"]),
                number(wallet["balance"]["amount"]),
            ),
        )

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
    result = read("coinbase", answer["fills"], _fill_name, partial(_fill, client))
    return Answer(result, answer.get("cursor") or None)


def _fill_name(row: dict[str, Any]) -> str:
    return f"fill-{row['entry_id']}"


def _fill(client: Client, row: dict[str, Any]) -> Iterable[Record]:
    kind, parsed = str(row.get("trade_type", "FILL")), client.parse("parse_trade", row)
    records = ccxt_records.trades("coinbase", parsed, _fill_name(row))
    if kind == "FILL":
        return records
    # A reversal or a correction changes a trade that was told before: whoever looks at both knows what is left of it.
    return [
        record._replace(refused=f"{kind[:40]!r} is no trade, but changes one: look at both there")
        for record in records
    ]


def _wallets(client: Client) -> list[dict[str, Any]]:
    wallets: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        wanted = {"limit": _ROWS, **({"starting_after": after} if after else {})}
        rows = client.call("v2PrivateGetAccounts", wanted)["data"]
        wallets += rows
        if len(rows) < _ROWS:
            return wallets
        after = rows[-1]["id"]


def _transactions(client: Client, wallets: Sequence[str]) -> Stream:
    """The wallets' lists one after another; halves of conversions wait in the position, as each is in another list."""

    def page(position: Position, now: datetime) -> Page:
        after: dict[str, str] = dict(position.get("after", {}))
        left = list(position.get("left") or wallets)
        if not left:
            return Page([], position, is_last=True)
        wallet, place = left[0], [left[0], after.get(left[0])]
        rows, is_end = _rows(client, wallet, after.get(wallet))
        if ids := _ids(rows):
            after[wallet] = ids[-1]
        left = left[1:] if is_end else left
        halves = {row["id"]: row for row in rows if _is_half(row)}
        waiting = {**position.get("halves", {}), **halves}
        places = {**position.get("places", {}), **dict.fromkeys(halves, place)}
        result = _singles(rows).placed({"places": [place]})
        if not left:
            result = result.joined(_converted(waiting, places, now))
        kept = {name: place for name, place in places.items() if name in waiting}
        follows: Position = {"after": after, "halves": waiting, "places": kept}
        under_way = {"left": left} if left else {}
        return Page(result.records, {**follows, **under_way}, not left, result.unread)

    return Stream("transactions", page, partial(_asked_again, client))


def _asked_again(client: Client, asked: Position, now: datetime) -> Page:  # noqa: ARG001  every stream has it
    """The page that is asked for again: of rows that are events by themselves, or of the halves of one conversion."""
    rows = [row for place in asked["places"] for row in _rows(client, *place)[0]]
    names = asked.get("names")
    if names is None:
        return _singles(rows).page({}, asked, is_last=True)
    halves = [row for row in rows if _is_half(row) and row["id"] in names]
    result = _event(halves) if halves else Told([], [])
    return result.page({}, asked, is_last=True)


def _rows(client: Client, wallet: str, after: str | None) -> tuple[list[dict[str, Any]], bool]:
    """What is settled of a wallet's next page, and whether nothing settled follows.

    Raises:
        BadPayload: a full page tells no id, so that the next one cannot be asked for.
    """
    wanted = {"account_id": wallet, "order": "asc", "limit": _ROWS}
    if after:
        wanted["starting_after"] = after
    rows = client.call("v2PrivateGetAccountsAccountIdTransactions", wanted)["data"]
    settled = list(_settled(rows))
    is_end = len(rows) < _ROWS or len(settled) < len(rows)
    if not is_end and not _ids(settled):
        raise BadPayload("coinbase", "no row of a page can be read", repr(rows))
    return settled, is_end


def _ids(rows: Iterable[Any]) -> list[str]:
    return [row["id"] for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]


def _is_half(row: Any) -> bool:
    try:
        is_conversion = coinbase.meaning(str(row["type"])) is coinbase.Meaning.CONVERTED
        return is_conversion and row["status"] == "completed" and isinstance(row["id"], str)
    except NONSENSE:
        return False


def _converted(
    waiting: dict[str, dict[str, Any]], places: Mapping[str, Any], now: datetime
) -> Told:
    """The conversions of which both halves are there, and halves that waited in vain; takes them out of `waiting`."""
    conversions = Told([], [])
    halves = {name: half_of(row) for name, row in waiting.items()}
    for names in pairs(halves):
        mine = [halves[name] for name in names]
        times = [half.at for half in mine if half.at]
        is_whole = len({half.change and half.change > 0 for half in mine}) > 1
        if is_whole or not times or now - max(times) > _PATIENCE:
            asked = {"places": [places[name] for name in names if name in places], "names": names}
            conversions = conversions.joined(
                _event([waiting.pop(name) for name in names]).placed(asked)
            )
    return conversions


def _settled(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows before the first pending one, which the next sync asks for again."""
    for row in rows:
        status = row.get("status") if isinstance(row, dict) else None
        if status in ("pending", "waiting_for_clearing", "waiting_for_signature"):
            return
        yield row


def _singles(rows: Iterable[Any]) -> Told:
    """Rows that are events by themselves."""
    alone = (row for row in rows if not _is_half(row))
    return read("coinbase", alone, _name, lambda row: _records([row]))


def _event(rows: Sequence[dict[str, Any]]) -> Told:
    """The rows of one event: where one of them cannot be read, none is booked."""
    try:
        records = _records(rows)
        for record in records:
            require_sense(record)
    except NONSENSE as error:
        return Told([], [_unread(row, error) for row in rows])
    return Told(records, [])


def _unread(row: dict[str, Any], error: Exception) -> Unread:
    try:
        _entry(row)
    except NONSENSE as own:
        reason = why(own)
    else:
        reason = f"it belongs to a row that cannot be read: {why(error)}"
    return unread("coinbase", row, _name, reason, or_none(lambda: moment(row)))


def _name(row: Any) -> str:
    if not isinstance(row["id"], str):
        raise TypeError("an id that is no text")
    return f"tx-{row['id']}"


def _records(rows: Sequence[dict[str, Any]]) -> list[Record]:
    """The records of the rows of one event.

    Raises:
        NONSENSE: a row of them cannot be read.
    """
    if any(row["status"] in _NEVER for row in rows):
        return []
    entries = [_entry(row) for row in rows]
    strange = next((str(row["status"]) for row in rows if row["status"] != "completed"), None)
    if strange is not None:
        return [refused(entry, f"{strange[:40]!r} is no status that we know") for entry in entries]
    try:
        what = coinbase.meaning(entries[0].kind)
        if what in (coinbase.Meaning.BOUGHT, coinbase.Meaning.SOLD) and entries[0].change:
            return [_bought(rows[0], entries[0])]
        records = coinbase.records(entries)
    except Nothing:
        return []
    except NotUnderstood as error:
        return [refused(entry, error.reason) for entry in entries]
    tx_hash = (rows[0].get("network") or {}).get("hash")
    return [record._replace(tx_hash=tx_hash) for record in records]


def _entry(row: dict[str, Any]) -> Entry:
    return Entry(
        name=_name(row),
        group="",
        at=moment(row),
        kind=str(row["type"]),
        asset=coinbase.asset(row["amount"]["currency"]),
        change=rounded(number(row["amount"]["amount"])),
    )


def _bought(row: dict[str, Any], entry: Entry) -> Record:
    """A simple purchase or sale; its cost, including fees, is the native amount that Coinbase gives."""
    worth = row["native_amount"]
    paid = (coinbase.asset(worth["currency"]), abs(rounded(number(worth["amount"]))))
    return coinbase.purchase(entry.name, entry.at, (entry.asset, entry.change), paid)
