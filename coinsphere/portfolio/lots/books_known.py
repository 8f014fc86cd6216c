"""A user's books from the facts and events known at a past instant, computed in memory."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from decimal import localcontext
from graphlib import TopologicalSorter
from typing import LiteralString
from uuid import UUID

from psycopg import Connection

from coinsphere.portfolio.lots import conversions, facts_known, rebooking, stored_events
from coinsphere.portfolio.lots.book_records import BookRecords, Carried
from coinsphere.portfolio.lots.cost_basis import Book
from coinsphere.portfolio.lots.stored_events import Line
from coinsphere.portfolio.model import EXACT, Market

_TOKENS: LiteralString = facts_known.as_known("""
    with recursive traded as (
        select unnest(array[t.token_id, t.fee_token_id, t.counter_token_id]) as token_id
        from app.transactions t
        where t.user_id = %(user_id)s and t.superseded_at is null
    ),
    held as (
        select token_id from traded where token_id is not null
        union
        select e.successor_id from held join market.asset_events e on e.token_id = held.token_id
        where e.successor_id is not null and e.kind in ('rename', 'swap', 'split') and e.recorded_at <= %(as_of)s
            and (e.removed_at is null or e.removed_at > %(as_of)s)
            and e.happened_at <= least(clock_timestamp(), %(as_of)s::timestamptz)
    )
    select token_id from held
""")
_COUNT: LiteralString = facts_known.as_known("""
    select count(*) from app.transactions t where t.user_id = %(user_id)s and t.superseded_at is null
        and (%(portfolio_id)s::uuid is null or t.portfolio_id = %(portfolio_id)s)
""")


def tokens(conn: Connection, user_id: UUID, as_of: datetime) -> list[UUID]:
    """The tokens that the user had dealt with, and their successors."""
    rows = conn.execute(_TOKENS, {"user_id": user_id, "as_of": as_of})
    return [token_id for (token_id,) in rows.fetchall()]


def facts(
    conn: Connection, user_id: UUID, as_of: datetime, portfolio_id: UUID | None = None
) -> int:
    """The number of facts that the user had entered, in a portfolio or in all, which tells how long booking takes."""
    parameters = {"user_id": user_id, "as_of": as_of, "portfolio_id": portfolio_id}
    row = conn.execute(_COUNT, parameters).fetchone()
    return int(row[0]) if row else 0


def books(
    conn: Connection, user_id: UUID, token_ids: list[UUID], as_of: datetime, market: Market
) -> Iterator[tuple[UUID, BookRecords]]:
    """The book of each token, those first that others come from.

    Args:
        conn: within a transaction, as facts are read in portions.
        user_id: whose.
        token_ids: as `tokens` gives them.
        as_of: the moment; portfolios are booked by the method and scope that they have now.
        market: prices and rates as they were known then.
    """
    lines = {token_id: stored_events.line(conn, token_id, as_of) for token_id in token_ids}
    carried: dict[UUID, list[Carried]] = defaultdict(list)
    former = {token_id: line.former() & lines.keys() for token_id, line in lines.items()}
    with localcontext(EXACT):
        for token_id in TopologicalSorter(former).static_order():
            records, legacies = _book(
                conn, user_id, lines[token_id], carried.pop(token_id, []), market
            )
            for heir, legacy in legacies:
                carried[heir].append(legacy)
            yield token_id, records


def _book(
    conn: Connection, user_id: UUID, line: Line, carried: list[Carried], market: Market
) -> tuple[BookRecords, list[tuple[UUID, Carried]]]:
    entries = list(rebooking.entries(conn, user_id, line.token_id, line.as_of))
    scope = {"user_id": user_id, "token_id": line.token_id, "since": rebooking.BEGINNING}
    ends = line.conversions(conn, scope, carried)
    book = Book(
        line.token_id, rebooking.rules(conn, user_id), market, successions=line.successions()
    )
    records = book.book(conversions.in_order(line.token_id, entries, ends, carried))
    handed_on = conversions.given(records)
    return records, list(line.legacies(records, handed_on, (entry.fact for entry in entries)))
