"""A person's decisions on rows that were refused on arrival: use them after all, or confirm that they are wrong.

`coinsphere.market.quality.quarantine` stores the rows. Only a row that is valid by itself can be used after all: one that
was refused because of its neighbours, or of an earlier row of the same start.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.errors import CoinsphereError
from coinsphere.market import origin as origins
from coinsphere.market.model import Candle, Interval, Quote
from coinsphere.market.quality import outliers, validation

_WAITING = """
    select t.symbol, q.kind, q.reason, count(*) as rows, max(q.quarantined_at) as last
    from market.quarantine q
    left join market.tokens t on t.id = q.token_id
    where q.resolved_at is null and (%(token_id)s::uuid is null or q.token_id = %(token_id)s)
        and (%(since)s::timestamptz is null or q.quarantined_at >= %(since)s)
        and (%(until)s::timestamptz is null or q.quarantined_at < %(until)s)
    group by t.symbol, q.kind, q.reason
    order by last desc
    limit 100
"""
_LIST = """
    select q.id, q.token_id, t.symbol, q.kind, q.source, q.reason, q.payload, q.quarantined_at, q.resolution,
        q.resolved_at, q.resolved_by, q.resolution_reason
    from market.quarantine q
    left join market.tokens t on t.id = q.token_id
    where (%(past)s or q.resolved_at is null) and (%(token_id)s::uuid is null or q.token_id = %(token_id)s)
        and (%(ids)s::bigint[] is null or q.id = any(%(ids)s)) and (%(before)s::bigint is null or q.id < %(before)s)
    order by q.id desc
    limit %(limit)s
"""
_ACCEPT = "select market.accept_refused(%(id)s, %(now)s, %(by)s, %(why)s, %(rule)s)"
_REJECT = "select market.reject_refused(%(ids)s, %(now)s, %(by)s, %(why)s)"
_UNREADABLE = (KeyError, TypeError, ValueError, InvalidOperation)


class CannotBeUsed(CoinsphereError):
    """A row that was refused is wrong by itself, whatever a person says; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Rows that were refused for one reason and wait for a decision."""

    symbol: str | None
    kind: str
    reason: str
    rows: int
    last: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """A row as it came, why it was refused, and what was decided; `symbol` is None where its token is not known."""

    id: int
    token_id: UUID | None
    symbol: str | None
    kind: str
    source: str
    reason: str
    payload: Mapping[str, Any]
    quarantined_at: datetime
    resolution: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    resolution_reason: str | None


def waiting(
    conn: Connection,
    token_id: UUID | None = None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Waiting]:
    """Refused rows by reason, of one token or of all, that came in `since` <= time < `until`; the newest hundred reasons."""
    cursor = conn.cursor(row_factory=class_row(Waiting))
    arguments = {"token_id": token_id, "since": since, "until": until}
    return cursor.execute(_WAITING, arguments).fetchall()


def rows(
    conn: Connection,
    *,
    token_id: UUID | None = None,
    ids: Sequence[int] | None = None,
    past: bool = False,
    before: int | None = None,
    limit: int | None = None,
) -> list[Refused]:
    """Rows that wait for a decision, newest first; with `past`, also those that were decided."""
    arguments = {
        "token_id": token_id,
        "ids": None if ids is None else list(ids),
        "past": past,
        "before": before,
        "limit": limit,
    }
    return conn.cursor(row_factory=class_row(Refused)).execute(_LIST, arguments).fetchall()


def release(conn: Connection, ids: Sequence[int], by: str, why: str, now: datetime) -> int:
    """Use these rows after all, all or none. Returns how many waited.

    A candle takes the place of one of the same start, whose values stay in `market.price_revisions`. A quote counts as
    observed when it came, so that one observed since stays, and the next is judged beside it.

    Raises:
        CannotBeUsed: one of them is neither a candle nor a quote that can be true.
        ConfigurationError: the rows may not share a database with what is there, see `origin.refuse_mix`.
    """
    arguments = {"now": now, "by": by, "why": why, "rule": outliers.RULE}
    with conn.transaction():
        origin = origins.get(conn)
        for row in sorted(rows(conn, ids=ids), key=lambda row: row.id):
            origins.refuse_mix(origin, row.source)
            fault = _fault(row, now)
            if fault:
                raise CannotBeUsed(f"row {row.id} cannot be used: {fault}")
        accepted = [conn.execute(_ACCEPT, {**arguments, "id": each}).fetchone() for each in ids]
    return sum(row == (True,) for row in accepted)


def remove(conn: Connection, ids: Sequence[int], by: str, why: str, now: datetime) -> int:
    """Confirm that these rows are wrong; they stay in the quarantine. Returns how many waited."""
    arguments = {"ids": list(ids), "by": by, "why": why, "now": now}
    row = conn.execute(_REJECT, arguments).fetchone()
    return int(row[0]) if row else 0


def _fault(row: Refused, now: datetime) -> str | None:
    if row.token_id is None:
        return "it is of no token that is known"
    try:
        if row.kind == "candle":
            fault = validation.candle_fault(_candle(row.token_id, row), now)
        elif row.kind == "quote":
            fault = validation.quote_fault(_quote(row.token_id, row), None, now)
        else:
            return f"it is {row.kind}, which its source tells again"
    except _UNREADABLE:
        return f"it cannot be read as a {row.kind}"
    return fault and fault.reason


def _candle(token_id: UUID, row: Refused) -> Candle:
    payload = row.payload
    volume = payload["volume"]
    return Candle(
        token_id,
        Interval(payload["interval"]),
        datetime.fromisoformat(payload["openedAt"]),
        Decimal(payload["open"]),
        Decimal(payload["high"]),
        Decimal(payload["low"]),
        Decimal(payload["close"]),
        None if volume is None else Decimal(volume),
        row.source,
        payload["isFinal"] == "true",
        row.quarantined_at,
    )


def _quote(token_id: UUID, row: Refused) -> Quote:
    return Quote(
        token_id,
        Decimal(row.payload["price"]),
        _known(row.payload.get("volume24h")),
        _known(row.payload.get("marketCap")),
        _known(row.payload.get("change24h")),
        row.source,
        row.quarantined_at,
    )


def _known(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
