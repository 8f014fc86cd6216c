"""Asset events: renames, redenominations, swaps, splits, delistings and reused tickers of tokens.

Events are added and, where they were wrong, removed with a reason; none is changed. Candles stay as they came: the
database's `market.candles_in_line` reads them across events in the unit of today.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import ROUND_DOWN, Decimal, localcontext
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.errors import UniqueViolation
from psycopg.rows import class_row

from coinsphere.errors import CoinsphereError

QUEUE = "housekeeping"
TASK = "apply_asset_events"

_UNIT = Decimal(1).scaleb(-18)
_LIMIT = Decimal(10) ** 20
"""numeric(38, 18) holds less."""
_RATIO = re.compile(r"(\d{1,20}(?:\.\d{1,18})?):(\d{1,20}(?:\.\d{1,18})?)", re.ASCII)
_DIGITS = 120
_NO_REASON = "a reason has 3 to 500 characters"
_FIRST = datetime(2009, 1, 1, tzinfo=UTC)


class EventKind(StrEnum):
    """What happened. Of a rename without a successor only the name changed, and the token goes on."""

    RENAME = "rename"
    REDENOMINATION = "redenomination"
    SWAP = "swap"
    SPLIT = "split"
    DELISTING = "delisting"
    RELISTING = "relisting"
    TICKER_REUSE = "ticker_reuse"


_WITH_SUCCESSOR = frozenset({EventKind.SWAP, EventKind.SPLIT, EventKind.TICKER_REUSE})
_WITHOUT_SUCCESSOR = frozenset({EventKind.REDENOMINATION, EventKind.DELISTING, EventKind.RELISTING})
_WITH_RATIO = frozenset({EventKind.REDENOMINATION, EventKind.SWAP, EventKind.SPLIT})


class InvalidEvent(CoinsphereError):
    """An event contradicts itself, or one that was recorded before."""


class ContradictedEvent(InvalidEvent):
    """An event contradicts one that was recorded before."""


class Ratio(NamedTuple):
    """How many old units became how many new ones, such as 1:24000 for Maker to Sky."""

    old: Decimal = Decimal(1)
    new: Decimal = Decimal(1)

    def __str__(self) -> str:
        return f"{self.old.normalize():f}:{self.new.normalize():f}"

    def amount(self, old: Decimal) -> Decimal:
        """An amount of old units in new ones, rounded down to 18 digits as a chain rounds."""
        with localcontext(prec=_DIGITS):
            return (old * self.new / self.old).quantize(_UNIT, ROUND_DOWN)

    def price(self, old: Decimal) -> Decimal:
        """The price of one old unit as that of one new unit, to 18 digits."""
        with localcontext(prec=_DIGITS):
            return (old * self.old / self.new).quantize(_UNIT)

    def holds(self, amount: Decimal) -> bool:
        """Whether the converted amount fits into numeric(38, 18) and is not zero."""
        return 0 < self.amount(amount) < _LIMIT


def ratio(text: str) -> Ratio:
    """Parses a ratio as it is written, old units first: "1:24000".

    Raises:
        InvalidEvent: it is none.
    """
    match = _RATIO.fullmatch(text.strip().replace(",", ""))
    parts = [Decimal(part) for part in match.groups()] if match else []
    if not parts or not all(parts):
        raise InvalidEvent(
            f"{text!r} is no ratio: write old units, a colon and new units, as 1:24000"
        )
    return Ratio(*parts)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be recorded; `old_units` of the token became `new_units` of the successor, or of itself."""

    kind: EventKind
    token_id: UUID
    happened_at: datetime
    reason: str
    successor_id: UUID | None = None
    old_units: Decimal = Decimal(1)
    new_units: Decimal = Decimal(1)

    @property
    def ratio(self) -> Ratio:
        """Old units to new ones."""
        return Ratio(self.old_units, self.new_units)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetEvent(NewEvent):
    """A recorded event; it counts until it is removed, and takes effect when it is applied."""

    id: UUID
    symbol: str
    successor_symbol: str | None
    recorded_at: datetime
    recorded_by: str
    applied_at: datetime | None
    removed_at: datetime | None
    removed_by: str | None
    removal_reason: str | None

    @property
    def is_succession(self) -> bool:
        """Whether holders of the token hold its successor instead from then on."""
        return self.successor_id is not None and self.kind in (EventKind.RENAME, EventKind.SWAP)


_EVENTS = """
    select e.id, e.kind, e.token_id, t.symbol, e.successor_id, s.symbol as successor_symbol, e.old_units, e.new_units,
        e.happened_at, e.reason, e.recorded_at, e.recorded_by, e.applied_at, e.removed_at, e.removed_by,
        e.removal_reason
    from market.asset_events e
    join market.tokens t on t.id = e.token_id
    left join market.tokens s on s.id = e.successor_id
"""
_LIST = (
    _EVENTS
    + """
    where (%(token_id)s::uuid is null or %(token_id)s in (e.token_id, e.successor_id))
        and (%(past)s or e.removed_at is null)
    order by e.happened_at, e.recorded_at, e.id
    limit %(limit)s
"""
)
_GET = _EVENTS + "where e.id = %(id)s"
_DUE = (
    _EVENTS
    + """
    where e.applied_at is null and e.happened_at <= %(now)s
    order by e.happened_at, e.recorded_at, e.id
    limit 1
    for update of e
"""
)
_ADD = """
    insert into market.asset_events
        (kind, token_id, successor_id, old_units, new_units, happened_at, reason, recorded_by)
    values (%(kind)s, %(token_id)s, %(successor_id)s, %(old_units)s, %(new_units)s, %(happened_at)s, %(reason)s, %(by)s)
    returning id
"""
_REMOVE = """
    update market.asset_events
    set removed_at = clock_timestamp(), removed_by = %(by)s, removal_reason = %(reason)s, applied_at = null
    where id = %(id)s and removed_at is null
"""
_APPLIED = "update market.asset_events set applied_at = %(now)s where id = %(id)s"
# Whether the heir becomes the token again, over any number of steps.
_CIRCLE = """
    with recursive heirs as (
        select %(successor_id)s::uuid as id
        union
        select e.successor_id from heirs
        join market.asset_events e on e.token_id = heirs.id
            and e.successor_id is not null and e.kind in ('rename', 'swap', 'split') and e.removed_at is null
    )
    select exists (select from heirs where id = %(token_id)s)
"""
_ENQUEUE = "select jobs.defer_once(%(queue)s, %(task)s, %(task)s, '{}')"


def fault(event: NewEvent) -> str | None:
    """Why an event contradicts itself; None where it does not."""
    kind = event.kind.replace("_", " ")
    if event.kind in _WITH_SUCCESSOR and event.successor_id is None:
        return f"a {kind} names the other token"
    if event.kind in _WITHOUT_SUCCESSOR and event.successor_id is not None:
        return f"a {kind} is of one token"
    if event.successor_id == event.token_id:
        return "the other token is the token itself"
    if event.kind not in _WITH_RATIO and event.old_units != event.new_units:
        return f"a {kind} has no ratio"
    return _fault_of_any(event)


def _is_reason(text: str) -> bool:
    return 3 <= len(text.strip()) <= 500  # noqa: PLR2004 - as the table says


def _fault_of_any(event: NewEvent) -> str | None:
    if not _is_reason(event.reason):
        return _NO_REASON
    if event.happened_at < _FIRST:
        return f"it lies before {_FIRST.year}, when no token was traded"
    return _unit_fault(event) if event.kind == EventKind.REDENOMINATION else None


def _unit_fault(event: NewEvent) -> str | None:
    if event.old_units == event.new_units:
        return "a redenomination changes the unit: name its ratio, as 1000:1"
    if event.happened_at.timetz().replace(tzinfo=None) != time():
        return "a redenomination counts from a midnight in UTC, as a day's candle has one unit"
    return None


def _is_circle(conn: Connection, event: NewEvent) -> bool:
    if event.successor_id is None or event.kind == EventKind.TICKER_REUSE:
        return False
    ends = {"token_id": event.token_id, "successor_id": event.successor_id}
    return conn.execute(_CIRCLE, ends).fetchone() == (True,)


def add(conn: Connection, event: NewEvent, by: str) -> UUID:
    """Record an event and have the worker apply it; the caller owns the transaction.

    Raises:
        InvalidEvent: it contradicts itself.
        ContradictedEvent: the token has a successor, or another unit from that day on, already; or it would make a circle.
    """
    wrong = fault(event)
    if wrong is not None:
        raise InvalidEvent(wrong)
    if _is_circle(conn, event):
        raise ContradictedEvent(
            "the other token became this one by an earlier event: remove that first"
        )
    event_id = _insert(conn, event, by)
    enqueue(conn)
    return event_id


def _insert(conn: Connection, event: NewEvent, by: str) -> UUID:
    values = {
        "kind": event.kind, "token_id": event.token_id, "successor_id": event.successor_id,
        "old_units": event.old_units, "new_units": event.new_units, "happened_at": event.happened_at,
        "reason": event.reason, "by": by,
    }  # fmt: skip
    try:
        with conn.transaction():
            row = conn.execute(_ADD, values).fetchone()
    except UniqueViolation:
        raise ContradictedEvent(
            "the token has a successor, or another unit from that day on, already: remove that event first"
        ) from None
    assert row is not None
    return UUID(str(row[0]))


def remove(conn: Connection, event_id: UUID, by: str, reason: str) -> AssetEvent | None:
    """Remove an event, which stays in the list of the past. Returns it; None where none is in force.

    Raises:
        InvalidEvent: the reason is none.
    """
    if not _is_reason(reason):
        raise InvalidEvent(_NO_REASON)
    if not conn.execute(_REMOVE, {"id": event_id, "by": by, "reason": reason}).rowcount:
        return None
    enqueue(conn)
    return get(conn, event_id)


def get(conn: Connection, event_id: UUID) -> AssetEvent | None:
    """The event of that id; None where there is none."""
    return conn.cursor(row_factory=class_row(AssetEvent)).execute(_GET, {"id": event_id}).fetchone()


def listed(
    conn: Connection, limit: int = 1000, *, token_id: UUID | None = None, past: bool = False
) -> list[AssetEvent]:
    """Events by the instant they happened at, of one token or of all; with `past`, removed ones too."""
    parameters = {"token_id": token_id, "past": past, "limit": limit}
    return conn.cursor(row_factory=class_row(AssetEvent)).execute(_LIST, parameters).fetchall()


def next_due(conn: Connection, now: datetime) -> AssetEvent | None:
    """The earliest event that is due or was removed since it was applied; locked until the transaction ends."""
    return conn.cursor(row_factory=class_row(AssetEvent)).execute(_DUE, {"now": now}).fetchone()


def applied(conn: Connection, event_id: UUID, now: datetime) -> None:
    """Mark an event as applied."""
    conn.execute(_APPLIED, {"id": event_id, "now": now})


def enqueue(conn: Connection) -> None:
    """Write the job that applies due events; the worker starts it once this transaction commits."""
    conn.execute(_ENQUEUE, {"queue": QUEUE, "task": TASK})
