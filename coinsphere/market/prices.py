"""The price of a token at an instant, and how it came about."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row, dict_row

from coinsphere.market import agreeing
from coinsphere.market.consensus.model import Constituent, State

_LASTS = timedelta(days=1)
"""A consensus answers for so long behind it; then the close of a candle is nearer."""

_CONSENSUS = """
    select id, token_id, currency, valid_at, recorded_at, price, confidence, agreed_at, state, venues, jump, candidate,
        usual_move, method, constituents
    from market.consensus
    where token_id = %(token_id)s and valid_at <= %(at)s and valid_at > %(at)s::timestamptz - %(lasts)s
        and (%(as_of)s::timestamptz is null or recorded_at <= %(as_of)s)
    order by valid_at desc, id desc
    limit 1
"""
_CANDLE = """
    select close as price, closed_at as agreed_at, ingested_at as recorded_at, source
    from (
        select p.*, p.opened_at + case p.interval when '1h' then interval '1 hour' else interval '1 day' end as closed_at
        from market.candles_known(%(token_id)s, coalesce(%(as_of)s::timestamptz, 'infinity')) p
        where p.opened_at < %(at)s and p.quality <> 'suspect'
    ) closed
    where closed_at <= %(at)s
    order by closed_at desc, interval
    limit 1
"""


@dataclass(frozen=True, slots=True)
class Price:
    """A price in US dollars; `agreed_at` is the instant that it is the price of, `recorded_at` when we learned it.

    Where venues agreed on it, `constituents` are their quotes; the close of a candle has one source and none.
    """

    made_of: Literal["consensus", "candle"]
    price: Decimal | None
    agreed_at: datetime | None
    recorded_at: datetime
    source: str
    state: State = State.SINGLE
    venues: int = 1
    confidence: Decimal | None = None
    jump: str | None = None
    candidate: Decimal | None = None
    method: int | None = None
    constituents: tuple[Constituent, ...] = ()


def at(
    conn: Connection, token_id: UUID, moment: datetime, as_of: datetime | None = None
) -> Price | None:
    """What venues agreed on at `moment`, or the close of the last candle before it; None where nothing is known.

    Args:
        conn: a connection.
        token_id: the token.
        moment: the instant of the price.
        as_of: only what was recorded by then counts, as it was believed then; None for all that is known now.
    """
    parameters = {"token_id": token_id, "at": moment, "lasts": _LASTS, "as_of": as_of}
    row = conn.cursor(row_factory=dict_row).execute(_CONSENSUS, parameters).fetchone()
    if row is not None:
        return _of_consensus(row)
    cursor = conn.cursor(row_factory=class_row(_Candle))
    candle = cursor.execute(_CANDLE, parameters).fetchone()
    if candle is None:
        return None
    return Price(
        made_of="candle",
        price=candle.price,
        agreed_at=candle.agreed_at,
        recorded_at=candle.recorded_at,
        source=candle.source,
    )


@dataclass(frozen=True, slots=True)
class _Candle:
    price: Decimal
    agreed_at: datetime
    recorded_at: datetime
    source: str


def _of_consensus(row: dict[str, Any]) -> Price:
    found = agreeing.consensus(row)
    return Price(
        made_of="consensus",
        price=found.price,
        agreed_at=found.agreed_at,
        recorded_at=row["recorded_at"],
        source=agreeing.SOURCE,
        state=found.state,
        venues=found.venues,
        confidence=found.confidence,
        jump=found.jump,
        candidate=found.candidate,
        method=row["method"],
        constituents=found.constituents,
    )
