"""Records facts: each is stored once, corrected by a newer version, or withdrawn, and never changed.

With each goes its double entry, and the reversal of it when a newer version takes its place. A change is booked in the
same transaction where that is little work, else by the worker; values of past days are always the worker's. A change of
today leaves it nothing to do, as today's value is live.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID, uuid4

from psycopg import Connection

from coinsphere.portfolio import invalidations, issues
from coinsphere.portfolio.ledger import transactions
from coinsphere.portfolio.ledger.transactions import ComesAgain, NewFact, StoredFact, Version
from coinsphere.portfolio.lots import rebooking
from coinsphere.portfolio.valuation import daily_values
from coinsphere.portfolio.valuation.stored_market import StoredMarket

AT_ONCE = 1_000
"""Facts that a change may book in its own transaction, about 100 ms of work; more are left to the worker."""


# Places that are not taken are left out.
_OWNED = """
    select (select count(*) from app.portfolios where user_id = %(user_id)s and id = any(%(portfolios)s)),
        array(select nextval('app.transactions_place') from generate_series(1, %(count)s))
"""
_PORTFOLIO_OF_BATCH = (
    "select portfolio_id from app.import_batches where user_id = %(user_id)s and id = %(id)s"
)
_COUNT = """
    update app.portfolio_states
    set transaction_count = transaction_count + %(added)s, revision = revision + 1
    where portfolio_id = %(portfolio_id)s
"""
_WORK = """
    select not exists (select from app.booking_marks where user_id = %(user_id)s and token_id = %(token_id)s)
        and (
            select count(*) from (
                select from app.transactions
                where user_id = %(user_id)s and superseded_at is null and occurred_at >= %(since)s
                    and (token_id = %(token_id)s or fee_token_id = %(token_id)s or counter_token_id = %(token_id)s)
                limit %(limit)s
            ) as facts
        ) < %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The ids of the facts that were recorded, and how many were known already."""

    fact_ids: list[UUID]
    known: int
    is_booked: bool


def record(
    conn: Connection, user_id: UUID, new: Sequence[NewFact], now: datetime, *, at_once: bool = True
) -> Recorded:
    """Record facts, all or none. Their order decides between those of one instant.

    Args:
        conn: a connection that acts for the user (`db.owner.act_for`) or is the pipeline's.
        user_id: whose portfolios they are of.
        new: the facts.
        now: the present instant.
        at_once: False leaves the booking to the worker in any case.

    Raises:
        InvalidFact: a fact contradicts itself or lies in the future.
        LookupError: a portfolio is not the user's.
    """
    with conn.pipeline():
        invalidations.lock(conn, user_id)
        places = _places(conn, user_id, new)
        fresh = _unknown(conn, new)
        before = transactions.that_come_again(conn, fresh)
        versions = [
            _version(fact, before.get((fact.portfolio_id, fact.external_id or "")), place, now)
            for fact, place in zip(fresh, places, strict=False)
        ]
        transactions.insert(conn, user_id, versions, now)
        for portfolio_id, added in Counter(fact.portfolio_id for fact in fresh).items():
            _count(conn, portfolio_id, added)
    is_booked = update_books(conn, user_id, _changes(fresh), now, at_once=at_once)
    fact_ids = [version.fact_id for version in versions]
    return Recorded(fact_ids, len(new) - len(fresh), is_booked)


def correct(
    conn: Connection, user_id: UUID, fact_id: UUID, changed: NewFact, now: datetime
) -> StoredFact | None:
    """Replace the current version of a fact by a newer one; None where there is none of that id.

    Raises:
        InvalidFact: the new version contradicts itself or lies in the future.
    """
    invalidations.lock(conn, user_id)
    stored = transactions.get(conn, user_id, fact_id)
    if stored is None:
        return None
    wanted = replace(
        changed,
        portfolio_id=stored.portfolio_id,
        source=stored.source,
        external_id=stored.external_id,
        batch_id=stored.batch_id,
    )
    transactions.supersede(conn, user_id, stored)
    version = Version(uuid4(), fact_id, stored.version + 1, stored.created_at, wanted, stored.place)
    transactions.insert(conn, user_id, [version], now)
    _count(conn, stored.portfolio_id, 0)
    update_books(conn, user_id, _changes([stored, wanted]), now)
    return transactions.get(conn, user_id, fact_id)


def withdraw(conn: Connection, user_id: UUID, fact_id: UUID, now: datetime) -> StoredFact | None:
    """Withdraw a fact, which stays in the history. Returns it; None where there is none."""
    invalidations.lock(conn, user_id)
    stored = transactions.get(conn, user_id, fact_id)
    if stored is None:
        return None
    transactions.supersede(conn, user_id, stored)
    _count(conn, stored.portfolio_id, -1)
    update_books(conn, user_id, _changes([stored]), now)
    return stored


def take_import_back(conn: Connection, user_id: UUID, batch_id: UUID, now: datetime) -> int:
    """Withdraw all facts of an import that are in force. Returns how many. The worker books."""
    invalidations.lock(conn, user_id)
    row = conn.execute(_PORTFOLIO_OF_BATCH, {"user_id": user_id, "id": batch_id}).fetchone()
    changes, count = transactions.supersede_batch(conn, user_id, batch_id)
    if row is not None and count:
        _count(conn, row[0], -count)
        update_books(conn, user_id, changes, now, at_once=False)
    return count


def bring_back(conn: Connection, user_id: UUID, fact_ids: Sequence[UUID], now: datetime) -> int:
    """Put withdrawn facts in force again, each in its last version. Returns how many these were; others stay as they are."""
    invalidations.lock(conn, user_id)
    newest = [transactions.history(conn, user_id, each)[:1] for each in dict.fromkeys(fact_ids)]
    gone = [each for (each,) in filter(None, newest) if each.superseded_at is not None]
    versions = [
        Version(uuid4(), each.fact_id, each.version + 1, each.created_at, each, each.place)
        for each in gone
    ]
    transactions.insert(conn, user_id, versions, now)
    for portfolio_id, added in Counter(each.portfolio_id for each in gone).items():
        _count(conn, portfolio_id, added)
    update_books(conn, user_id, _changes(gone), now)
    return len(gone)


def update_books(
    conn: Connection,
    user_id: UUID,
    changes: Mapping[UUID, datetime],
    now: datetime,
    *,
    at_once: bool = True,
) -> bool:
    """Book tokens from the instants their facts changed at, and leave the rest to the worker.

    Args:
        conn: in a transaction that holds the user's lock.
        user_id: whose.
        changes: the earliest change of each token.
        now: the present instant.
        at_once: False leaves all to the worker.

    Returns:
        Whether all was booked now.
    """
    if not changes:
        return True
    market = StoredMarket(conn)
    later: dict[UUID, datetime] = {}
    from_days: dict[UUID, date] = {}
    for token_id, since in changes.items():
        if at_once and _is_little(conn, user_id, token_id, since):
            done = rebooking.rebook(conn, user_id, token_id, since, market)
            for portfolio_id in done.portfolios:
                from_days[portfolio_id] = min(done.day, from_days.get(portfolio_id, now.date()))
            later |= done.heirs
        else:
            later[token_id] = since
    is_valued = _value(conn, user_id, from_days, now)
    if later:
        invalidations.to_book(conn, user_id, later)
    if later or not is_valued:
        invalidations.enqueue(conn, user_id)
    return not later


def _value(conn: Connection, user_id: UUID, from_days: Mapping[UUID, date], now: datetime) -> bool:
    """Value portfolios whose books changed today, and mark those whose past days did. Returns whether there are none of these."""
    today = now.date()
    with conn.pipeline():
        for portfolio_id, from_day in from_days.items():
            if from_day < today:
                invalidations.to_value(conn, user_id, portfolio_id, from_day)
            else:
                daily_values.note_valued(conn, portfolio_id, today, now)
                issues.survey(conn, user_id, portfolio_id)
    return all(from_day == today for from_day in from_days.values())


def _places(conn: Connection, user_id: UUID, new: Sequence[NewFact]) -> list[int]:
    """A place for each fact, ascending. Raises `LookupError` where a portfolio is not the user's."""
    portfolios = {fact.portfolio_id for fact in new}
    parameters = {"user_id": user_id, "portfolios": list(portfolios), "count": len(new)}
    row = conn.execute(_OWNED, parameters).fetchone()
    if row is None or row[0] != len(portfolios):
        raise LookupError("the portfolio does not exist")
    return sorted(row[1])


def _version(new: NewFact, before: ComesAgain | None, place: int, now: datetime) -> Version:
    """The first version of a fact, or the next one of a fact that was taken back with its import."""
    if before is None:
        return Version(uuid4(), uuid4(), 1, now, new, place)
    return Version(
        uuid4(), before.fact_id, before.version + 1, before.created_at, new, before.place
    )


def _unknown(conn: Connection, new: Sequence[NewFact]) -> list[NewFact]:
    """Those that were not recorded before, each external id once."""
    known = transactions.known_names(conn, new)
    fresh = []
    for fact in new:
        if fact.external_id is not None:
            key = (fact.portfolio_id, fact.external_id)
            if key in known:
                continue
            known.add(key)
        fresh.append(fact)
    return fresh


def _changes(facts: Sequence[NewFact]) -> dict[UUID, datetime]:
    """The earliest change of each token."""
    since: dict[UUID, datetime] = {}
    for fact in facts:
        for token_id in {fact.token_id, fact.fee_token_id, fact.counter_token_id} - {None}:
            assert token_id is not None
            since[token_id] = min(fact.occurred_at, since.get(token_id, fact.occurred_at))
    return since


def _is_little(conn: Connection, user_id: UUID, token_id: UUID, since: datetime) -> bool:
    """Whether a booking is quick, and the worker has none of the same token to do before."""
    parameters = {"user_id": user_id, "token_id": token_id, "since": since, "limit": AT_ONCE + 1}
    return conn.execute(_WORK, parameters).fetchone() == (True,)


def _count(conn: Connection, portfolio_id: UUID, added: int) -> None:
    conn.execute(_COUNT, {"portfolio_id": portfolio_id, "added": added})
