"""The price of a token at an instant, with everything that it was computed from."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row

from coinsphere.market.consensus import store as consensus_store
from coinsphere.market.consensus.model import Constituent, State
from coinsphere.market.reference import price_line
from coinsphere.market.reference.asset_events import Ratio

_LASTS = timedelta(days=1)
"""A consensus answers for so long behind it; then the close of a candle is nearer."""

_COLUMNS = """
    c.id, c.token_id, c.currency, c.valid_at, c.recorded_at, c.price, c.confidence, c.agreed_at, c.state, c.venues, c.jump,
    c.candidate, c.usual_move, c.method, c.constituents
"""
_CONSENSUS: LiteralString = f"""
    select {_COLUMNS}, 1::numeric as old_units, 1::numeric as new_units
    from market.consensus c
    where c.token_id = %(token_id)s and c.valid_at <= %(at)s and c.valid_at > %(at)s::timestamptz - %(lasts)s
        and (%(as_of)s::timestamptz is null or c.recorded_at <= %(as_of)s)
    order by c.valid_at desc, c.id desc
    limit 1
"""  # noqa: S608 - constants alone
# Across changes of name and unit. The token's own counts as soon as there is one, whenever its first candle was; where a
# line has one token several times, its unit changed.
_CONSENSUS_IN_LINE: LiteralString = f"""
    with line as (
        select source_id, old_units, new_units, row_number() over parts as part,
            case when lead(source_id) over parts = source_id then from_at else '-infinity' end as from_at,
            case when lag(source_id) over parts = source_id then until_at else 'infinity' end as until_at
        from market.price_line(%(token_id)s, coalesce(%(as_of)s::timestamptz, 'infinity'))
        where interval = '1d'
        window parts as (order by until_at desc)
    )
    select {_COLUMNS}, l.old_units, l.new_units
    from line l
    join market.consensus c on c.token_id = l.source_id and c.valid_at >= l.from_at and c.valid_at < l.until_at
    where c.valid_at <= %(at)s and c.valid_at > %(at)s::timestamptz - %(lasts)s
        and (%(as_of)s::timestamptz is null or c.recorded_at <= %(as_of)s)
    order by l.part, c.valid_at desc, c.id desc
    limit 1
"""  # noqa: S608 - constants alone
_CANDLE: LiteralString = """
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
_CANDLE_IN_LINE: LiteralString = _CANDLE.replace("candles_known", "candles_in_line").replace(
    "where p.opened_at", "where p.is_final and p.opened_at"
)
_EACH: LiteralString = """
    select asked.token_id as asked_id, one.*
    from unnest(%(token_ids)s::uuid[]) as asked (token_id)
    cross join lateral ({}) as one
"""


@dataclass(frozen=True, slots=True)
class Price:
    """A price in US dollars; `agreed_at` is the instant that it holds at, `recorded_at` the one at which it was stored.

    It is of the token's unit of today, also before a change of it or of the name; only what venues quoted stays as it was.
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
    """The consensus at `moment`, or the close of the last candle before it; None where neither is known.

    Args:
        conn: a connection.
        token_id: the token.
        moment: the instant of the price.
        as_of: only what was recorded by then counts, as it was believed then; None for all that is known now.
    """
    return at_all(conn, [token_id], moment, as_of).get(token_id)


def at_all(
    conn: Connection, token_ids: Sequence[UUID], moment: datetime, as_of: datetime | None = None
) -> dict[UUID, Price]:
    """As `at`, of each token for which a price is known."""
    asked = {"at": moment, "lasts": _LASTS, "as_of": as_of}
    # To read across events takes a plan of its own, so only those tokens pay for it that have any.
    in_line = price_line.with_line(conn, token_ids)
    known: dict[UUID, Price] = {}
    for tokens, consensus, candle in (
        (set(token_ids) - in_line, _CONSENSUS, _CANDLE),
        (in_line, _CONSENSUS_IN_LINE, _CANDLE_IN_LINE),
    ):
        known |= _of_each(conn, consensus, tokens, asked, _of_consensus)
        known |= _of_each(conn, candle, tokens - known.keys(), asked, _of_candle)
    return known


def _of_each(
    conn: Connection,
    statement: LiteralString,
    token_ids: Collection[UUID],
    asked: Mapping[str, object],
    made: Callable[[dict[str, Any]], Price],
) -> dict[UUID, Price]:
    """What a statement of one token tells of each."""
    if not token_ids:
        return {}
    query = _EACH.format(statement.replace("%(token_id)s", "asked.token_id"))
    cursor = conn.cursor(row_factory=dict_row).execute(
        query, {**asked, "token_ids": list(token_ids)}
    )
    return {row.pop("asked_id"): made(row) for row in cursor}


def _of_candle(row: dict[str, Any]) -> Price:
    return Price(made_of="candle", **row)


def _of_consensus(row: dict[str, Any]) -> Price:
    consensus = consensus_store.consensus(row)
    ratio = Ratio(row["old_units"], row["new_units"])

    def today(price: Decimal | None) -> Decimal | None:
        return None if price is None else ratio.price(price)

    return Price(
        made_of="consensus",
        price=today(consensus.price),
        agreed_at=consensus.agreed_at,
        recorded_at=row["recorded_at"],
        source=consensus_store.SOURCE,
        state=consensus.state,
        venues=consensus.venues,
        confidence=today(consensus.confidence),
        jump=consensus.jump,
        candidate=today(consensus.candidate),
        method=row["method"],
        constituents=tuple(
            replace(each, price=today(each.price)) for each in consensus.constituents
        ),
    )
