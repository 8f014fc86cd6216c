"""Books a user's token again from the earliest changed day on, and stores the result."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from psycopg import Connection

from coinsphere.clock import start_of_day
from coinsphere.db.bulk_insert import Rows
from coinsphere.portfolio import issues
from coinsphere.portfolio.ledger import transfers
from coinsphere.portfolio.lots import conversions, facts_known, stored_events
from coinsphere.portfolio.lots.book_records import Arrival, BookRecords, Entry, Restored, Start
from coinsphere.portfolio.lots.cost_basis import Book
from coinsphere.portfolio.model import (
    EXACT,
    Fact,
    Kind,
    Lot,
    LotMethod,
    LotScope,
    Market,
    Position,
    Rules,
)

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
"""Before the first fact of anybody."""

_FOREVER = "infinity"
"""PostgreSQL's date behind all dates; Python has none."""

_RULES = """
    select id as portfolio_id, currency, lot_method as method, lot_scope as scope
    from app.portfolios where user_id = %(user_id)s
"""
_OPEN_LOTS = """
    with open as (
        select number, portfolio_id, account, fact_id, acquired_at, opened_at, quantity, cost
        from app.lots
        where user_id = %(user_id)s and token_id = %(token_id)s and opened_at < %(since)s
            and (closed_at is null or closed_at >= %(since)s)
    )
    select open.*, coalesce(used.quantity, 0) as used_quantity, used.cost as used_cost
    from open
    left join lateral (
        select sum(u.quantity) as quantity, sum(u.cost) as cost
        from app.lot_uses u
        where u.user_id = %(user_id)s and u.token_id = %(token_id)s and u.lot_number = open.number
            and u.used_at < %(since)s
    ) used on true
    order by open.number
"""
_NEXT = """
    select
        (select coalesce(max(number), 0) + 1 from app.lots
         where user_id = %(user_id)s and token_id = %(token_id)s and opened_at < %(since)s),
        (select coalesce(max(number), 0) + 1 from app.lot_uses
         where user_id = %(user_id)s and token_id = %(token_id)s and used_at < %(since)s)
"""
_MOST_AT_ONCE = 500
"""Facts that are read at once: a cursor of the server is three round trips, and a plan that nothing keeps."""
_MOST_COMPARED = 500
"""Lots, and uses, that are compared with those that take their place: of a longer book most have changed."""
# Each further trade of a day books that day anew, and leaves the lots of those before as they were.
_LATER_LOTS = """
    select number, portfolio_id, account, fact_id, acquired_at, opened_at, quantity, cost, closed_at
    from app.lots
    where user_id = %(user_id)s and token_id = %(token_id)s and opened_at >= %(since)s
    limit %(most)s
"""
_LATER_USES = """
    select number, lot_number, portfolio_id, account, fact_id, kind, used_at, quantity, cost, proceeds
    from app.lot_uses
    where user_id = %(user_id)s and token_id = %(token_id)s and used_at >= %(since)s
    limit %(most)s
"""
_FORGET_LOTS = """
    delete from app.lots where user_id = %(user_id)s and token_id = %(token_id)s and opened_at >= %(since)s
        and (%(numbers)s::integer[] is null or number = any(%(numbers)s))
"""
_FORGET_USES = """
    delete from app.lot_uses where user_id = %(user_id)s and token_id = %(token_id)s and used_at >= %(since)s
        and (%(numbers)s::integer[] is null or number = any(%(numbers)s))
"""
# By one statement, whose parts touch no row twice.
_FORGET = """
    with open_again as (
        update app.lots set closed_at = null
        where user_id = %(user_id)s and token_id = %(token_id)s and closed_at >= %(since)s and opened_at < %(since)s
    ),
    held_again as (
        update app.positions set until_day = 'infinity'
        where user_id = %(user_id)s and token_id = %(token_id)s and from_day < %(day)s and until_day >= %(day)s
    ),
    positions as (
        delete from app.positions
        where user_id = %(user_id)s and token_id = %(token_id)s and from_day >= %(day)s
        returning portfolio_id
    ),
    flows as (
        delete from app.position_flows
        where user_id = %(user_id)s and token_id = %(token_id)s and day >= %(day)s
        returning portfolio_id
    )
    select portfolio_id from positions union select portfolio_id from flows
"""
# At one instant the order of entry decides.
_ENTRIES = """
    select
        t.fact_id, t.portfolio_id, t.type, t.token_id, t.amount, t.price, t.currency, t.fee, t.fee_token_id,
        t.counter_token_id, t.counter_amount, t.exchange, t.occurred_at,
        least(t.occurred_at, arrival.occurred_at) as at,
        arrival.fact_id, arrival.portfolio_id, arrival.exchange, arrival.amount
    from app.transactions t
    left join app.transfer_matches m
        on m.out_fact_id = t.fact_id and m.state <> 'rejected' and t.token_id = %(token_id)s
    left join app.transactions arrival on arrival.fact_id = m.in_fact_id and arrival.superseded_at is null
    where t.user_id = %(user_id)s
        and (t.token_id = %(token_id)s or t.fee_token_id = %(token_id)s or t.counter_token_id = %(token_id)s)
        and t.superseded_at is null
        and t.occurred_at >= %(since)s
        and least(t.occurred_at, arrival.occurred_at) >= %(since)s
        and not (
            t.token_id = %(token_id)s and t.type = 'transfer_in' and exists (
                select from app.transfer_matches i where i.in_fact_id = t.fact_id and i.state <> 'rejected'
            )
        )
    order by at, t.place
"""
_ENTRIES_KNOWN = facts_known.as_known(_ENTRIES)
_CLOSE_POSITION = """
    update app.positions set until_day = %(day)s
    where portfolio_id = %(portfolio_id)s and token_id = %(token_id)s and from_day < %(day)s and until_day = 'infinity'
"""
_CLOSE_LOT = """
    update app.lots set closed_at = %(at)s
    where user_id = %(user_id)s and token_id = %(token_id)s and number = %(number)s
"""
# What is held, and no more; the average is known where the cost of every unit is.
_HOLD = """
    with gone as (
        delete from app.holdings h
        where token_id = %(token_id)s and source = 'ledger' and portfolio_id = any(%(portfolios)s)
            and not exists (
                select from app.positions p
                where p.portfolio_id = h.portfolio_id and p.token_id = h.token_id and p.until_day = 'infinity'
                    and p.amount > 0
            )
    )
    insert into app.holdings as held (portfolio_id, token_id, amount, average_buy_price, source)
    select portfolio_id, token_id, amount, case when uncosted = 0 then greatest(round(cost / amount, 18), 0) end, 'ledger'
    from app.positions
    where user_id = %(user_id)s and token_id = %(token_id)s and until_day = 'infinity' and amount > 0
        and portfolio_id = any(%(portfolios)s)
    on conflict (portfolio_id, token_id, source) do update set
        amount = excluded.amount, average_buy_price = excluded.average_buy_price
    where (held.amount, held.average_buy_price) is distinct from (excluded.amount, excluded.average_buy_price)
"""
_LOTS = Rows(
    "app", "lots",
    {
        "user_id": "uuid", "token_id": "uuid", "number": "integer", "portfolio_id": "uuid", "account": "text",
        "fact_id": "uuid", "acquired_at": "timestamptz", "opened_at": "timestamptz", "quantity": "numeric",
        "cost": "numeric", "closed_at": "timestamptz",
    },
)  # fmt: skip
_USES = Rows(
    "app", "lot_uses",
    {
        "user_id": "uuid", "token_id": "uuid", "number": "integer", "lot_number": "integer", "portfolio_id": "uuid",
        "account": "text", "fact_id": "uuid", "kind": "text", "used_at": "timestamptz", "quantity": "numeric",
        "cost": "numeric", "proceeds": "numeric",
    },
)  # fmt: skip
_POSITIONS = Rows(
    "app", "positions",
    {
        "user_id": "uuid", "token_id": "uuid", "portfolio_id": "uuid", "from_day": "date", "amount": "numeric",
        "cost": "numeric", "uncosted": "numeric", "until_day": "date",
    },
)  # fmt: skip
_FLOWS = Rows(
    "app", "position_flows",
    {
        "user_id": "uuid", "token_id": "uuid", "portfolio_id": "uuid", "day": "date", "money_in": "numeric",
        "money_out": "numeric", "amount_in": "numeric", "amount_out": "numeric", "swap_in": "numeric",
        "swap_out": "numeric", "income": "numeric",
    },
)  # fmt: skip


class _Later(NamedTuple):
    """What is stored of the time that is booked anew, each row by its number; None where there is much of it."""

    lots: Mapping[int, Sequence[Any]] | None
    uses: Mapping[int, Sequence[Any]] | None


class Rebooked(NamedTuple):
    """The result of a booking: its first day, the portfolios it changed, and the tokens whose books must follow, from when on."""

    day: date
    portfolios: frozenset[UUID]
    heirs: Mapping[UUID, datetime]


def rules(conn: Connection, user_id: UUID) -> dict[UUID, Rules]:
    """The booking rules of each portfolio of the user."""
    rows = conn.execute(_RULES, {"user_id": user_id}).fetchall()
    return {
        portfolio_id: Rules(portfolio_id, currency, LotMethod(method), LotScope(scope))
        for portfolio_id, currency, method, scope in rows
    }


def rebook(
    conn: Connection, user_id: UUID, token_id: UUID, since: datetime, market: Market
) -> Rebooked:
    """Book a token of a user again from the day of `since` on.

    The caller owns the transaction, holds the user's lock (`invalidations.lock`), and marks the portfolios to be valued and
    the tokens to be booked after this one.
    """
    line = stored_events.line(conn, token_id)
    since = transfers.rematch(conn, user_id, token_id, line.since(since))
    day = since.astimezone(UTC).date()
    scope = {"user_id": user_id, "token_id": token_id, "since": start_of_day(day), "day": day}
    start, later, changed = _begin(conn, scope)
    book = Book(token_id, rules(conn, user_id), market, start, line.successions())
    with localcontext(EXACT):
        carried = line.carried(conn, scope)
        ends = line.conversions(conn, scope, carried)
        records = book.book(conversions.in_order(token_id, _entries(conn, scope), ends, carried))
    changed |= {row.portfolio_id for row in records.positions}
    changed |= {row.portfolio_id for row in records.flows}
    # Nothing that is written is waited for before the last of it.
    with conn.pipeline(), localcontext(EXACT):
        _store(conn, scope, later, records)
        conn.execute(_HOLD, {**scope, "portfolios": list(changed)})
        issues.note_booking(conn, user_id, token_id, start_of_day(day), records.findings)
    return Rebooked(day, frozenset(changed), line.heirs())


def entries(
    conn: Connection, user_id: UUID, token_id: UUID, as_of: datetime | None = None
) -> Iterator[Entry]:
    """All facts of a token of the user in the order of booking, or those known then; `conn` is within a transaction."""
    scope = {"user_id": user_id, "token_id": token_id, "since": BEGINNING, "as_of": as_of}
    yield from _entries(conn, scope, _ENTRIES if as_of is None else _ENTRIES_KNOWN)


def _begin(conn: Connection, scope: Mapping[str, Any]) -> tuple[Start, _Later, set[UUID]]:
    """The state from which to go on, and what is stored of later; its positions are deleted, of the portfolios returned, too."""
    with conn.pipeline():
        numbers = conn.execute(_NEXT, scope)
        open_lots = conn.execute(_OPEN_LOTS, scope)
        bounded = {**scope, "most": _MOST_COMPARED + 1}
        lots, uses = conn.execute(_LATER_LOTS, bounded), conn.execute(_LATER_USES, bounded)
        forgotten = conn.execute(_FORGET, scope)
    row = numbers.fetchone()
    assert row is not None
    with localcontext(EXACT):
        restored = tuple(_restored(Lot(*row[:8]), row[8], row[9]) for row in open_lots)
    later = _Later(_by_number(lots.fetchall()), _by_number(uses.fetchall()))
    return Start(restored, *row), later, {portfolio_id for (portfolio_id,) in forgotten}


def _by_number(rows: Sequence[Sequence[Any]]) -> Mapping[int, Sequence[Any]] | None:
    return {row[0]: row for row in rows} if len(rows) <= _MOST_COMPARED else None


def _restored(lot: Lot, used: Decimal, used_cost: Decimal | None) -> Restored:
    cost = None if lot.cost is None else lot.cost - (used_cost or 0)
    return Restored(lot, lot.quantity - used, cost)


def _entries(
    conn: Connection, scope: Mapping[str, Any], statement: LiteralString = _ENTRIES
) -> Iterator[Entry]:
    """The facts of the token in the order of booking; of a token that has hundreds of thousands they are read in portions."""
    rows = conn.execute(f"{statement} limit {_MOST_AT_ONCE + 1}", scope).fetchall()
    if len(rows) <= _MOST_AT_ONCE:
        yield from map(_entry, rows)
        return
    with conn.cursor(name="entries") as cursor:
        cursor.itersize = 5_000
        yield from map(_entry, cursor.execute(statement, scope))


def _entry(row: Sequence[Any]) -> Entry:
    fact = Fact._make((*row[:2], Kind(row[2]), *row[3:13]))
    return Entry(fact, row[13], None if row[14] is None else Arrival(*row[14:]))


def _store(conn: Connection, scope: Mapping[str, Any], later: _Later, records: BookRecords) -> None:
    key = (scope["user_id"], scope["token_id"])
    new = {lot.number for lot in records.lots}
    lots = {lot.number: (*lot, records.closed.get(lot.number)) for lot in records.lots}
    uses: dict[int, Sequence[Any]] = {use.number: use for use in records.uses}
    for rows, forget, was, now in (
        (_USES, _FORGET_USES, later.uses, uses),
        (_LOTS, _FORGET_LOTS, later.lots, lots),
    ):
        gone, changed = _differences(was, now)
        if gone is None or gone:
            conn.execute(forget, {**scope, "numbers": gone})
        rows.insert(conn, ((*key, *row) for row in changed))
    _FLOWS.insert(conn, ((*key, *flow) for flow in records.flows))
    with conn.cursor() as cursor:
        older = [
            {**scope, "number": number, "at": at}
            for number, at in records.closed.items()
            if number not in new
        ]
        cursor.executemany(_CLOSE_LOT, older)
    _store_positions(conn, scope, records.positions)


def _differences(
    was: Mapping[int, Sequence[Any]] | None, now: Mapping[int, Sequence[Any]]
) -> tuple[list[int] | None, Iterable[Sequence[Any]]]:
    """The numbers of what is to be deleted, None for all of it, and the rows to be written."""
    if was is None:
        return None, now.values()
    gone = [number for number, row in was.items() if now.get(number) != row]
    return gone, [row for number, row in now.items() if was.get(number) != row]


def _store_positions(
    conn: Connection, scope: Mapping[str, Any], positions: Sequence[Position]
) -> None:
    """Each holds until the next of its portfolio; the first ends what held before."""
    key = (scope["user_id"], scope["token_id"])
    following: dict[UUID, date] = {}
    rows = []
    for position in reversed(positions):
        until = following.get(position.portfolio_id)
        rows.append((*key, *position, _FOREVER if until is None else until.isoformat()))
        following[position.portfolio_id] = position.day
    with conn.cursor() as cursor:
        firsts = [
            {**scope, "portfolio_id": portfolio_id, "day": day}
            for portfolio_id, day in following.items()
        ]
        cursor.executemany(_CLOSE_POSITION, firsts)
    _POSITIONS.insert(conn, reversed(rows))
