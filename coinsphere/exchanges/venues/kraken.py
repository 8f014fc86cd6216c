"""Kraken: trades and the ledger, 50 rows a call from the newest of a fixed window; its nonces must grow.

What a row means stands in `coinsphere.portfolio.imports.statements.kraken`, for its files as well.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from coinsphere.errors import BadPayload
from coinsphere.exchanges.api.client import Client
from coinsphere.exchanges.model import KeyInfo, Known, Page, Permissions, Position, Stream
from coinsphere.exchanges.venues import ccxt_records
from coinsphere.exchanges.venues.pagination import Answer, windows
from coinsphere.portfolio.imports.statements import kraken
from coinsphere.portfolio.imports.statements.grouping import refused
from coinsphere.portfolio.imports.statements.record import Entry, Nothing, NotUnderstood, Record
from coinsphere.portfolio.model import EXACT, Kind

_BEGIN = datetime(2011, 7, 28, tzinfo=UTC)
_PAGE = 50
_TRADING = frozenset({"modify-trades", "close-trades", "earn-funds"})
_MOVING = frozenset({"withdraw-funds"})
_SPREAD = timedelta(hours=1)
"""Rows of one event lie much nearer to each other, but for a withdrawal that comes back."""
_OVERLAP = timedelta(days=3)
_SETTLED_PAGES = 2
"""What happens meanwhile moves rows to the next page, where they are told again."""

Rows = dict[str, dict[str, Any]]
"""Rows of the ledger by their ids."""


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
        for name, row in client.call("privatePostBalanceEx")["result"].items():
            if not kraken.is_held(name):
                continue
            code = kraken.asset(name)
            found[code] = found.get(code, Decimal(0)) + Decimal(row["balance"])
        return found

    def streams(self, client: Client, known: Known) -> list[Stream]:  # noqa: ARG002  every market is told at once
        """The trades and the ledger."""
        client.markets()

        def trades(start: int, end: int, token: Any) -> Answer:
            rows, following = _rows(client, "TradesHistory", "trades", (start, end, token or 0))
            # What a position on margin does to the account, the ledger tells.
            spot = (
                (name, row) for name, row in rows.items() if not Decimal(row.get("margin") or 0)
            )
            parsed = ((name, client.parse("parse_trade", row)) for name, row in spot)
            found = [
                record
                for name, row in parsed
                for record in ccxt_records.trades("kraken", row, name)
            ]
            return Answer(found, following)

        # The ledger comes first: of a trade it tells all fees, and a trade that is known is not booked again.
        return [
            _ledger(client),
            windows("trades", trades, begin=_BEGIN, overlap=timedelta(days=1)),
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
    """The ledger as a stream; rows of events that may go on in the next page wait in the position."""

    def page(position: Position, now: datetime) -> Page:
        told: Rows = {}

        def fetch(start: int, end: int, token: Any) -> Answer:
            rows, following = _rows(client, "Ledgers", "ledger", (start, end, token or 0))
            told.update(rows)
            return Answer([], following)

        read = windows("ledger", fetch, begin=_BEGIN, overlap=_OVERLAP).page(position, now)
        number = int(position.get("page", 0)) + 1
        waiting = {
            **position.get("rows", {}),
            **{name: [number, row] for name, row in told.items()},
        }
        booked = set(position.get("booked", ()))
        made: list[Record] = []
        for names in _events(waiting):
            rows = {name: waiting[name][1] for name in names}
            last_page = max(waiting[name][0] for name in names)
            if read.is_last or (last_page + _SETTLED_PAGES <= number and _is_whole(rows, told)):
                made += _meant(rows, booked)
                for name in names:
                    del waiting[name]
        gone = sorted({*position.get("gone", ()), *_withdrawn(made, now)})
        left: Position = (
            {"booked": gone}
            if read.is_last
            else {"rows": waiting, "page": number, "booked": sorted(booked), "gone": gone}
        )
        return Page(made, {**read.position, **left}, read.is_last)

    return Stream("ledger", page)


def _withdrawn(made: list[Record], now: datetime) -> list[str]:
    """What is booked as gone and will be read once more; it may have come back by then."""
    since = now - _OVERLAP - _SPREAD
    return [each.native_id for each in made if each.kind is Kind.TRANSFER_OUT and each.at >= since]


def _events(waiting: Mapping[str, Any]) -> list[list[str]]:
    """The names of rows that belong together."""
    events: dict[str, list[str]] = defaultdict(list)
    for name, (_, row) in waiting.items():
        events[kraken.key(_entry(name, row))].append(name)
    return list(events.values())


def _is_whole(rows: Rows, told: Rows) -> bool:
    """Whether nothing of the event can follow, as pages go from the newest to the oldest."""
    if any(row["type"] == "withdrawal" and Decimal(row["amount"]) > 0 for row in rows.values()):
        return False
    oldest = min((_time(row) for row in told.values()), default=None)
    return oldest is not None and min(map(_time, rows.values())) - oldest > _SPREAD


def _meant(rows: Rows, booked: Collection[str] = ()) -> list[Record]:
    entries = [_entry(name, row) for name, row in sorted(rows.items())]
    if len(entries) > 1 and any(name in booked for name in rows):
        # It was booked before it came back, and is never taken out of the books: what came back is booked as well.
        return [record for name, row in sorted(rows.items()) for record in _meant({name: row})]
    if len(entries) == 1 and entries[0].kind == "trade":
        # Its other side may be too small for a row; the list of trades tells both.
        return []
    try:
        return kraken.records(entries)
    except Nothing:
        return []
    except NotUnderstood as error:
        return [refused(entry, error.reason) for entry in entries]


def _entry(name: str, row: dict[str, Any]) -> Entry:
    try:
        return Entry(
            name=name,
            group=str(row["refid"]),
            at=_time(row),
            kind=str(row["type"]).lower(),
            subtype=str(row.get("subtype") or "").lower(),
            asset=kraken.asset(str(row["asset"])),
            change=Decimal(row["amount"]),
            fee=Decimal(row.get("fee") or 0),
        )
    except (TypeError, KeyError, ArithmeticError) as error:
        raise BadPayload("kraken", f"a row makes no sense ({error!r})", repr(row)) from error


def _time(row: dict[str, Any]) -> datetime:
    seconds = EXACT.create_decimal(str(row["time"]))
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(seconds * 1_000_000))
