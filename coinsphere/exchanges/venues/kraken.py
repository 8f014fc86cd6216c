"""Kraken: trades and the ledger, 50 rows a call, back from the newest of a fixed window; nonces must grow.

What a row means stands in `coinsphere.portfolio.imports.statements.kraken`, for its files as well.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from operator import itemgetter
from typing import Any

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
from coinsphere.market.sources.moments import to_milliseconds
from coinsphere.portfolio.imports.statements import kraken
from coinsphere.portfolio.imports.statements.grouping import refused
from coinsphere.portfolio.imports.statements.record import Entry, Nothing, NotUnderstood, Record
from coinsphere.portfolio.model import EXACT, Kind

_BEGIN = datetime(2011, 7, 28, tzinfo=UTC)
_NO_END = 4_102_444_800_000
"""The year 2100, in milliseconds."""
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
        """Balances; a staked asset (`.S`, `.M`, …) counts as the asset itself."""
        client.markets()
        balances = client.call("privatePostBalanceEx")["result"]
        rows = [(name, row) for name, row in balances.items() if kraken.is_held(name)]
        return holdings(
            self.id, rows, lambda item: (kraken.asset(item[0]), number(item[1]["balance"]))
        )

    def streams(self, client: Client, known: Known) -> list[Stream]:  # noqa: ARG002  every market is told at once
        """The trades and the ledger."""
        client.markets()

        def trades(start: int, end: int, token: Any) -> Answer:
            rows, following = _rows(client, "TradesHistory", "trades", (start, end, token or 0))
            result = read("kraken", rows.items(), itemgetter(0), partial(_trade, client))
            return Answer(result, following)

        # The ledger comes first: of a trade it tells all fees, and a trade that is known is not booked again.
        return [
            _ledger(client),
            windows("trades", trades, begin=_BEGIN, overlap=timedelta(days=1)),
        ]


def _trade(client: Client, item: tuple[str, dict[str, Any]]) -> Iterable[Record]:
    name, row = item
    # What a position on margin does to the account, the ledger tells.
    if number(row.get("margin") or 0):
        return ()
    return ccxt_records.trades("kraken", client.parse("parse_trade", row), name)


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
    """The ledger as a stream; rows of events that may continue on the next page wait in the position."""

    def page(position: Position, now: datetime) -> Page:
        page_rows: Rows = {}

        def fetch(start: int, end: int, token: Any) -> Answer:
            rows, following = _rows(client, "Ledgers", "ledger", (start, end, token or 0))
            page_rows.update(rows)
            return Answer(Told([], []), following)

        behind = windows("ledger", fetch, begin=_BEGIN, overlap=_OVERLAP).page(position, now)
        waiting = _Waiting.after(position, page_rows)
        result = waiting.take_settled(page_rows, now, is_last=behind.is_last)
        kept = {**behind.position, **waiting.position(is_last=behind.is_last)}
        return Page(result.records, kept, behind.is_last, result.unread)

    return Stream("ledger", page, partial(_asked_again, client))


@dataclass(slots=True)
class _Waiting:
    """Rows of events that may continue on the next page, as a position of the ledger keeps them.

    Attributes:
        page: the number of the present page, from 1.
        rows: by id, each with the number of the page that had it last.
        near: where rows without a time lie, see `_near`.
        booked: ids of withdrawals that an earlier reading booked.
        gone: ids of withdrawals that this reading booked, and the next one reads once more.
    """

    page: int
    rows: dict[str, list[Any]]
    near: dict[str, list[int]]
    booked: set[str]
    gone: set[str]

    @classmethod
    def after(cls, position: Position, page_rows: Rows) -> "_Waiting":
        """The rows that waited at a position, and those of the page read from there."""
        page = int(position.get("page", 0)) + 1
        return cls(
            page,
            {**position.get("rows", {}), **{name: [page, row] for name, row in page_rows.items()}},
            {**position.get("near", {}), **_near(page_rows)},
            set(position.get("booked", ())),
            set(position.get("gone", ())),
        )

    def take_settled(self, page_rows: Rows, now: datetime, *, is_last: bool) -> Told:
        """The records of events to which no further row can belong; their rows wait no longer."""
        result = Told([], [])
        for names in _events({name: row for name, (_, row) in self.rows.items()}):
            rows = {name: self.rows[name][1] for name in names}
            last_page = max(self.rows[name][0] for name in names)
            is_settled = last_page + _SETTLED_PAGES <= self.page and _is_whole(rows, page_rows)
            if is_last or is_settled:
                result = result.joined(_placed(_meant(rows, self.booked), self.near))
                for name in names:
                    del self.rows[name]
        self.gone.update(_withdrawn(result.records, now))
        return result

    def position(self, *, is_last: bool) -> Position:
        """What the next reading needs: after the last page, only the withdrawals that may be returned."""
        if is_last:
            return {"booked": sorted(self.gone)}
        return {
            "rows": self.rows,
            "page": self.page,
            "booked": sorted(self.booked),
            "near": self.near,
            "gone": sorted(self.gone),
        }


def _asked_again(client: Client, asked: Position, now: datetime) -> Page:  # noqa: ARG001  every stream has it
    """The events of which a row could not be read."""
    rows: Rows = {}
    offset: int | None = 0
    while offset is not None:
        where = (int(asked["start"]), int(asked["end"]), offset)
        page_rows, offset = _rows(client, "Ledgers", "ledger", where)
        rows |= page_rows
    result = Told([], [])
    for names in _events(rows):
        if not set(names).isdisjoint(asked["names"]):
            result = result.joined(_meant({name: rows[name] for name in names}))
    return result.page({}, asked, is_last=True)


def _near(rows: Rows) -> dict[str, list[int]]:
    """For each row without a time, the instants in milliseconds between which the other rows of its page lie."""
    times = {name: _time_of(row) for name, row in rows.items()}
    known = [to_milliseconds(at) for at in times.values() if at is not None]
    return {name: [min(known), max(known)] for name, at in times.items() if at is None and known}


def _placed(result: Told, near: Mapping[str, Sequence[int]]) -> Told:
    """With the span of time in which the rows are asked for again: one that has no time lies near others."""
    if not result.unread:
        return result
    times = [to_milliseconds(each.at) for each in result.unread if each.at]
    times += [time for each in result.unread for time in near.get(each.native_id, ())]
    spread = _SPREAD // timedelta(milliseconds=1)
    asked: Position = {
        "start": min(times, default=to_milliseconds(_BEGIN)) - spread,
        "end": max(times, default=_NO_END) + spread,
        "names": sorted(each.native_id for each in result.unread),
    }
    return result.placed(asked)


def _withdrawn(records: list[Record], now: datetime) -> list[str]:
    """The ids of booked withdrawals that will be read once more, as they may still be returned."""
    since = now - _OVERLAP - _SPREAD
    return [
        each.native_id for each in records if each.kind is Kind.TRANSFER_OUT and each.at >= since
    ]


def _events(rows: Rows) -> list[list[str]]:
    """The names of rows that belong together; with a row that cannot be read, all rows of its reference."""
    entries = {name: _readable(name, row) for name, row in rows.items()}
    broken = {_reference(rows[name]) for name, entry in entries.items() if entry is None} - {""}
    events: dict[str, list[str]] = defaultdict(list)
    for name, entry in entries.items():
        reference = _reference(rows[name])
        if entry is None or reference in broken:
            events[f"unread {reference or name}"].append(name)
        else:
            events[kraken.key(entry)].append(name)
    return list(events.values())


def _reference(row: Any) -> str:
    return str(row.get("refid") or "") if isinstance(row, dict) else ""


def _is_whole(rows: Rows, read_rows: Rows) -> bool:
    """Whether no row of the event can follow, as pages go from the newest to the oldest."""
    entries = [entry for name, row in rows.items() if (entry := _readable(name, row))]
    if any(entry.kind == "withdrawal" and entry.change > 0 for entry in entries):
        return False
    seen = [at for row in read_rows.values() if (at := _time_of(row))]
    return bool(seen and entries) and min(entry.at for entry in entries) - min(seen) > _SPREAD


def _meant(rows: Rows, booked: Collection[str] = ()) -> Told:
    readable = {name: _readable(name, row) for name, row in sorted(rows.items())}
    entries = [entry for entry in readable.values() if entry is not None]
    if len(entries) < len(rows):
        return Told([], [_unread(name, rows[name]) for name in readable])
    if len(entries) > 1 and any(name in booked for name in rows):
        # It was booked before it came back, and is never taken out of the books: what came back is booked as well.
        alone = Told([], [])
        for name, row in sorted(rows.items()):
            alone = alone.joined(_meant({name: row}))
        return alone
    if len(entries) == 1 and entries[0].kind == "trade":
        # Its other side may be too small for a row; the list of trades tells both.
        return Told([], [])
    return _booked(entries, rows)


def _booked(entries: Sequence[Entry], rows: Rows) -> Told:
    try:
        records = kraken.records(entries)
        for record in records:
            require_sense(record)
    except Nothing:
        return Told([], [])
    except NotUnderstood as error:
        return Told([refused(entry, error.reason) for entry in entries], [])
    except NONSENSE as error:
        return Told([], [_unread(name, row, why(error)) for name, row in sorted(rows.items())])
    return Told(records, [])


def _unread(name: str, row: Any, reason: str = "it belongs to a row that cannot be read") -> Unread:
    try:
        _entry(name, row)
    except NotUnderstood as error:
        reason = error.reason
    except NONSENSE as error:
        reason = why(error)
    return unread("kraken", row, lambda _: name, reason, _time_of(row))


def _readable(name: str, row: Any) -> Entry | None:
    try:
        return _entry(name, row)
    except NONSENSE:
        return None


def _entry(name: str, row: dict[str, Any]) -> Entry:
    kraken.require_currency(str(row.get("aclass") or ""))
    return Entry(
        name=name,
        group=str(row["refid"]),
        at=_time(row),
        kind=str(row["type"]).lower(),
        subtype=str(row.get("subtype") or "").lower(),
        asset=kraken.asset(str(row["asset"])),
        change=number(row["amount"]),
        fee=number(row.get("fee") or 0),
    )


def _time_of(row: Any) -> datetime | None:
    try:
        return _time(row)
    except NONSENSE:
        return None


def _time(row: dict[str, Any]) -> datetime:
    seconds = EXACT.create_decimal(str(row["time"]))
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(seconds * 1_000_000))
