"""Recording what happened: a fact is stored once, corrected by a newer version, withdrawn, and never changed.

With each goes its double entry, and the reversal of it when a newer version takes its place. A change is booked in the
same transaction where that is little work, else by the worker; values of past days are always the worker's.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid4

from psycopg import Connection
from psycopg.rows import dict_row

from coinsphere.portfolio import books, ledger, marks
from coinsphere.portfolio.bulk import Rows
from coinsphere.portfolio.errors import InvalidFact
from coinsphere.portfolio.history import StoredMarket
from coinsphere.portfolio.model import Fact, Kind

Source = Literal["manual", "import", "exchange", "wallet"]

AT_ONCE = 1_000
"""Facts that a change may book in its own transaction, about 100 ms of work; more are left to the worker."""

_CLOCK_SKEW = timedelta(minutes=5)
_GENESIS = datetime(2009, 1, 1, tzinfo=UTC)

_FACT = """
    select
        t.id as version_id, t.fact_id, t.portfolio_id, t.type as kind, t.token_id, t.amount, t.price, t.currency, t.fee,
        t.fee_token_id, t.counter_token_id, t.counter_amount, t.exchange, t.occurred_at, t.notes, t.tx_hash, t.source,
        t.external_id, t.batch_id, t.version, t.created_at, t.updated_at, t.superseded_at,
        t.place
    from app.transactions t
"""
_CURRENT = (
    _FACT + "where t.user_id = %(user_id)s and t.fact_id = %(fact_id)s and t.superseded_at is null"
)
_HISTORY = (
    _FACT + "where t.user_id = %(user_id)s and t.fact_id = %(fact_id)s order by t.version desc"
)
_OWNED = """
    select count(*) from app.portfolios where user_id = %(user_id)s and id = any(%(portfolios)s)
"""
# Our own export names a fact that has no name of its source by its id.
_KNOWN = """
    select external_id from app.transactions
    where portfolio_id = %(portfolio_id)s and version = 1 and external_id = any(%(external_ids)s)
    union
    select 'coinsphere:' || fact_id from app.transactions
    where portfolio_id = %(portfolio_id)s and version = 1 and fact_id = any(%(fact_ids)s)
"""
_OUR_NAME = "coinsphere:"
_PLACES = """
    select nextval('app.transactions_place') from generate_series(1, %(count)s) order by 1
"""
_SUPERSEDE = """
    update app.transactions set superseded_at = now()
    where user_id = %(user_id)s and id = %(version_id)s and superseded_at is null
"""
_REVERSE = """
    insert into app.ledger_entries (user_id, portfolio_id, transaction_id, account, token_id, currency, amount, is_reversal)
    select user_id, portfolio_id, transaction_id, account, token_id, currency, -amount, true
    from app.ledger_entries
    where transaction_id = %(version_id)s and not is_reversal
"""
_COUNT = """
    update app.portfolio_states
    set transaction_count = transaction_count + %(added)s, revision = revision + 1
    where portfolio_id = %(portfolio_id)s
"""
_WORK = """
    select count(*) from (
        select from app.transactions
        where user_id = %(user_id)s and superseded_at is null and occurred_at >= %(since)s
            and (token_id = %(token_id)s or fee_token_id = %(token_id)s or counter_token_id = %(token_id)s)
        limit %(limit)s
    ) as facts
"""
_MARKED = """
    select exists (
        select from app.booking_marks where user_id = %(user_id)s and token_id = %(token_id)s
    )
"""
_TRANSACTIONS = Rows(
    "app", "transactions",
    {
        "id": "uuid", "user_id": "uuid", "fact_id": "uuid", "version": "integer", "portfolio_id": "uuid",
        "type": "text", "token_id": "uuid", "amount": "numeric", "price": "numeric", "currency": "text",
        "fee": "numeric", "fee_token_id": "uuid", "counter_token_id": "uuid", "counter_amount": "numeric",
        "exchange": "text", "occurred_at": "timestamptz", "notes": "text", "tx_hash": "text", "source": "text",
        "external_id": "text", "batch_id": "uuid", "created_at": "timestamptz", "updated_at": "timestamptz",
        "place": "bigint",
    },
)  # fmt: skip
_ENTRIES = Rows(
    "app", "ledger_entries",
    {
        "user_id": "uuid", "portfolio_id": "uuid", "transaction_id": "uuid", "account": "text", "token_id": "uuid",
        "currency": "text", "amount": "numeric",
    },
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewFact:
    """A fact to be recorded. `external_id` names it at its source, so that it is recorded once."""

    portfolio_id: UUID
    kind: Kind
    token_id: UUID
    amount: Decimal
    occurred_at: datetime
    price: Decimal | None = None
    currency: str = "USD"
    fee: Decimal | None = None
    fee_token_id: UUID | None = None
    counter_token_id: UUID | None = None
    counter_amount: Decimal | None = None
    exchange: str | None = None
    notes: str | None = None
    tx_hash: str | None = None
    source: Source = "manual"
    external_id: str | None = None
    batch_id: UUID | None = None

    def fact(self, fact_id: UUID) -> Fact:
        """What is booked of it."""
        return Fact(
            fact_id, self.portfolio_id, self.kind, self.token_id, self.amount, self.price, self.currency, self.fee,
            self.fee_token_id, self.counter_token_id, self.counter_amount, self.exchange, self.occurred_at,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFact(NewFact):
    """One version of a fact; the current one is not superseded."""

    version_id: UUID
    fact_id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    superseded_at: datetime | None
    place: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of new facts: the ids of those that were recorded, and how many were known already."""

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
    marks.lock(conn, user_id)
    _require_own(conn, user_id, {fact.portfolio_id for fact in new})
    fresh = _unknown(conn, new)
    places = conn.execute(_PLACES, {"count": len(fresh)}).fetchall()
    versions = [
        _Version(uuid4(), uuid4(), 1, now, fact, place)
        for fact, (place,) in zip(fresh, places, strict=True)
    ]
    _insert(conn, user_id, versions, now)
    for portfolio_id, added in Counter(fact.portfolio_id for fact in fresh).items():
        _count(conn, portfolio_id, added)
    is_booked = update_books(conn, user_id, _changes(fresh), now, at_once=at_once)
    fact_ids = [version.fact_id for version in versions]
    return Recorded(fact_ids, len(new) - len(fresh), is_booked)


def correct(
    conn: Connection, user_id: UUID, fact_id: UUID, changed: NewFact, now: datetime
) -> StoredFact | None:
    """Put a newer version of a fact in the place of the current one; None where there is none of that id.

    Raises:
        InvalidFact: the new version contradicts itself or lies in the future.
    """
    marks.lock(conn, user_id)
    stored = get(conn, user_id, fact_id)
    if stored is None:
        return None
    wanted = replace(
        changed,
        portfolio_id=stored.portfolio_id,
        source=stored.source,
        external_id=stored.external_id,
        batch_id=stored.batch_id,
    )
    _supersede(conn, user_id, stored)
    version = _Version(
        uuid4(), fact_id, stored.version + 1, stored.created_at, wanted, stored.place
    )
    _insert(conn, user_id, [version], now)
    _count(conn, stored.portfolio_id, 0)
    update_books(conn, user_id, _changes([stored, wanted]), now)
    return get(conn, user_id, fact_id)


def withdraw(conn: Connection, user_id: UUID, fact_id: UUID, now: datetime) -> StoredFact | None:
    """Take a fact back: it stays in the history and counts no more. What it was; None where there is none."""
    marks.lock(conn, user_id)
    stored = get(conn, user_id, fact_id)
    if stored is None:
        return None
    _supersede(conn, user_id, stored)
    _count(conn, stored.portfolio_id, -1)
    update_books(conn, user_id, _changes([stored]), now)
    return stored


def get(conn: Connection, user_id: UUID, fact_id: UUID) -> StoredFact | None:
    """The current version of a fact of the user; None where there is none."""
    parameters = {"user_id": user_id, "fact_id": fact_id}
    return _stored(conn.cursor(row_factory=dict_row).execute(_CURRENT, parameters).fetchone())


def history(conn: Connection, user_id: UUID, fact_id: UUID) -> list[StoredFact]:
    """All versions of a fact of the user, the newest first; a withdrawn fact has no current one."""
    parameters = {"user_id": user_id, "fact_id": fact_id}
    rows = conn.cursor(row_factory=dict_row).execute(_HISTORY, parameters)
    return [found for row in rows if (found := _stored(row)) is not None]


def update_books(
    conn: Connection,
    user_id: UUID,
    changes: Mapping[UUID, datetime],
    now: datetime,
    *,
    at_once: bool = True,
) -> bool:
    """Book tokens from the instants on at which their facts changed, and have the worker do the rest.

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
    later = {}
    for token_id, since in changes.items():
        if at_once and _is_little(conn, user_id, token_id, since):
            done = books.rebook(conn, user_id, token_id, since, market)
            for portfolio_id in done.portfolios:
                marks.to_value(conn, user_id, portfolio_id, min(done.day, now.date()))
        else:
            later[token_id] = since
    marks.to_book(conn, user_id, later)
    marks.enqueue(conn, user_id)
    return not later


class _Version(NamedTuple):
    version_id: UUID
    fact_id: UUID
    number: int
    created_at: datetime
    new: NewFact
    place: int


def _insert(conn: Connection, user_id: UUID, versions: Sequence[_Version], now: datetime) -> None:
    entries: list[tuple[object, ...]] = []
    for version in versions:
        require_time(version.new.occurred_at, now)
        key = (user_id, version.new.portfolio_id, version.version_id)
        made = ledger.postings(version.new.fact(version.fact_id))
        entries.extend((*key, *posting) for posting in made)
    _TRANSACTIONS.insert(conn, (_row(user_id, version, now) for version in versions))
    _ENTRIES.insert(conn, entries)


def _row(user_id: UUID, version: _Version, now: datetime) -> tuple[object, ...]:
    new = version.new
    return (
        version.version_id, user_id, version.fact_id, version.number, new.portfolio_id, new.kind, new.token_id,
        new.amount, new.price, new.currency, new.fee, new.fee_token_id, new.counter_token_id, new.counter_amount,
        new.exchange, new.occurred_at, new.notes, new.tx_hash, new.source, new.external_id, new.batch_id,
        version.created_at, now, version.place,
    )  # fmt: skip


def _supersede(conn: Connection, user_id: UUID, stored: StoredFact) -> None:
    parameters = {"user_id": user_id, "version_id": stored.version_id}
    conn.execute(_SUPERSEDE, parameters)
    conn.execute(_REVERSE, parameters)


def _stored(row: dict[str, Any] | None) -> StoredFact | None:
    return None if row is None else StoredFact(**{**row, "kind": Kind(row["kind"])})


def require_time(occurred_at: datetime, now: datetime) -> None:
    """Check that a fact lies in the time of tokens. Raises `InvalidFact`."""
    if occurred_at > now + _CLOCK_SKEW:
        raise InvalidFact("occurred_at", "lies in the future")
    if occurred_at < _GENESIS:
        raise InvalidFact("occurred_at", "lies before the first token, of January 2009")


def _require_own(conn: Connection, user_id: UUID, portfolios: set[UUID]) -> None:
    parameters = {"user_id": user_id, "portfolios": list(portfolios)}
    row = conn.execute(_OWNED, parameters).fetchone()
    if row is None or row[0] != len(portfolios):
        raise LookupError("the portfolio does not exist")


def known_names(conn: Connection, new: Sequence[NewFact]) -> set[tuple[UUID, str]]:
    """The portfolio and external id of those facts that were recorded before."""
    known: set[tuple[UUID, str]] = set()
    for portfolio_id in {fact.portfolio_id for fact in new}:
        named = [
            fact.external_id
            for fact in new
            if fact.portfolio_id == portfolio_id
            if fact.external_id
        ]
        parameters = {
            "portfolio_id": portfolio_id,
            "external_ids": named,
            "fact_ids": [fact_id for name in named if (fact_id := _fact_id(name)) is not None],
        }
        known |= {(portfolio_id, name) for (name,) in conn.execute(_KNOWN, parameters)}
    return known


def _fact_id(name: str) -> UUID | None:
    """The id of the fact that our own export names like this; None where it is somebody else's name."""
    if not name.startswith(_OUR_NAME):
        return None
    try:
        return UUID(name.removeprefix(_OUR_NAME))
    except ValueError:
        return None


def _unknown(conn: Connection, new: Sequence[NewFact]) -> list[NewFact]:
    """Those that were not recorded before, each external id once."""
    known = known_names(conn, new)
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
    marked = conn.execute(_MARKED, parameters).fetchone()
    work = conn.execute(_WORK, parameters).fetchone()
    return marked == (False,) and work is not None and work[0] <= AT_ONCE


def _count(conn: Connection, portfolio_id: UUID, added: int) -> None:
    conn.execute(_COUNT, {"portfolio_id": portfolio_id, "added": added})
