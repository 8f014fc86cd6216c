"""Kraken: trades and the ledger, 50 rows a call from the newest of a fixed window; its nonces must grow.

The ledger's `trade` rows are told by the trades themselves; moves between Kraken's own wallets are no change.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from coinsphere.exchanges import records
from coinsphere.exchanges.client import Client
from coinsphere.exchanges.model import KeyInfo, Known, Page, Permissions, Position, Record, Stream
from coinsphere.exchanges.streams import Answer, windows
from coinsphere.portfolio.model import EXACT, Kind

_BEGIN = datetime(2011, 7, 28, tzinfo=UTC)
_PAGE = 50
_TRADING = frozenset({"modify-trades", "close-trades", "earn-funds"})
_MOVING = frozenset({"withdraw-funds"})
_INCOME = {
    "staking": Kind.STAKING, "earn": Kind.STAKING, "reward": Kind.REWARD, "dividend": Kind.INTEREST,
    "airdrop": Kind.AIRDROP, "credit": Kind.REWARD, "adjustment": Kind.REWARD,
}  # fmt: skip
_PAIRED = frozenset({"spend", "receive"})
_ELSEWHERE = frozenset({"trade", "margin", "rollover", "settled"})
"""Rows that trades tell, or that belong to positions which are no holdings."""
_MOVES = (
    "spotto",
    "spotfrom",
    "stakingto",
    "stakingfrom",
    "allocation",
    "deallocation",
    "autoallocation",
    "migration",
)


class Kraken:
    """See the module."""

    id = "kraken"
    name = "Kraken"
    requires_passphrase = False

    def key(self, client: Client) -> KeyInfo:
        """By `GetApiKeyInfo`."""
        info = client.call("privatePostGetApiKeyInfo")["result"]
        granted = info.get("permissions")
        if not isinstance(granted, list):
            return KeyInfo(Permissions(None, None))
        names = tuple(sorted(map(str, granted)))
        return KeyInfo(Permissions(bool(_TRADING & set(names)), bool(_MOVING & set(names)), names))

    def balances(self, client: Client) -> dict[str, Decimal]:
        """Balances; what is staked (`.S`, `.M`, …) counts as the asset itself."""
        client.markets()
        found: dict[str, Decimal] = {}
        for asset, row in client.call("privatePostBalanceEx")["result"].items():
            code = _asset(client, asset)
            found[code] = found.get(code, Decimal(0)) + Decimal(row["balance"])
        return found

    def streams(self, client: Client, known: Known) -> list[Stream]:  # noqa: ARG002  every market is told at once
        """The trades and the ledger."""
        client.markets()

        def trades(start: int, end: int, token: Any) -> Answer:
            rows, following = _rows(client, "TradesHistory", "trades", (start, end, token or 0))
            parsed = ((name, client.parse("parse_trade", row)) for name, row in rows.items())
            found = [
                record for name, row in parsed for record in records.trades("kraken", row, name)
            ]
            return Answer(found, following)

        return [
            windows("trades", trades, begin=_BEGIN, overlap=timedelta(days=1)),
            _ledger(client),
        ]


def _rows(
    client: Client, method: str, part: str, where: tuple[int, int, int]
) -> tuple[dict[str, Any], int | None]:
    """Rows by their ids, and the offset of the next ones; None where these are the oldest."""
    start, end, offset = where
    wanted = {"start": start // 1000, "end": -(-end // 1000), "ofs": offset}
    result = client.call(f"privatePost{method}", wanted)["result"]
    rows = result[part] or {}
    following = offset + len(rows)
    return rows, following if rows and following < int(result["count"]) else None


def _ledger(client: Client) -> Stream:
    """The ledger as a stream; the first half of a pair that a page cuts waits in the position."""

    def page(position: Position, now: datetime) -> Page:
        halves: dict[str, Any] = dict(position.get("halves", {}))

        def fetch(start: int, end: int, token: Any) -> Answer:
            rows, following = _rows(client, "Ledgers", "ledger", (start, end, token or 0))
            found = [
                record for name, row in rows.items() for record in _entry(client, name, row, halves)
            ]
            return Answer(found, following)

        read = windows("ledger", fetch, begin=_BEGIN, overlap=timedelta(days=3)).page(position, now)
        # At the end of a window a half without its other half is what it is: it moved alone.
        alone = [_moved(client, *half) for half in halves.values()] if read.is_last else []
        left = {} if read.is_last else {"halves": halves}
        made = [*read.records, *(record for record in alone if record)]
        return Page(made, {**read.position, **left}, read.is_last)

    return Stream("ledger", page)


def _entry(
    client: Client, name: str, row: dict[str, Any], halves: dict[str, Any]
) -> Iterator[Record]:
    kind, subtype = str(row["type"]).lower(), str(row.get("subtype") or "").lower()
    if kind in _ELSEWHERE or (subtype.startswith(_MOVES) and kind in ("transfer", "earn")):
        return
    if kind in _PAIRED:
        other = halves.pop(row["refid"], None)
        if other is None:
            halves[row["refid"]] = [name, row]
            return
        yield _pair(client, other[1], row)
        return
    record = _moved(client, name, row)
    if record is not None:
        yield record


def _moved(client: Client, name: str, row: dict[str, Any]) -> Record | None:
    change, fee = Decimal(row["amount"]), abs(Decimal(row.get("fee") or 0))
    return records.transfer(
        name,
        _time(row),
        _asset(client, row["asset"]),
        change,
        fee=fee or None,
        income=_INCOME.get(str(row["type"]).lower()),
    )


def _pair(client: Client, one: dict[str, Any], other: dict[str, Any]) -> Record:
    """An instant purchase or conversion: what was spent for what was received."""
    spent, got = (one, other) if Decimal(one["amount"]) < 0 else (other, one)
    fees = [row for row in (spent, got) if Decimal(row.get("fee") or 0)]
    fee = (_asset(client, fees[0]["asset"]), abs(Decimal(fees[0]["fee"]))) if fees else None
    sent = (_asset(client, spent["asset"]), abs(Decimal(spent["amount"])))
    received = (_asset(client, got["asset"]), abs(Decimal(got["amount"])))
    return Record(str(one["refid"]), Kind.SWAP, _time(spent), sent, received, fee=fee)


def _time(row: dict[str, Any]) -> datetime:
    seconds = EXACT.create_decimal(str(row["time"]))
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(seconds * 1_000_000))


def _asset(client: Client, asset: str) -> str:
    """Ccxt's name, without the suffix of what is staked or on hold."""
    return str(client.api.safe_currency_code(asset)).partition(".")[0]
