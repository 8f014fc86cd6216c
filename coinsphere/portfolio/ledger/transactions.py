"""Transactions as facts, stored once in versions of which the newest counts, each with its double entry."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import dict_row

from coinsphere.db.bulk_insert import Rows
from coinsphere.portfolio.errors import InvalidFact
from coinsphere.portfolio.ledger import double_entry
from coinsphere.portfolio.model import Fact, Kind

Source = Literal["manual", "import", "exchange", "wallet"]
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
# One that was withdrawn with its whole import is as if it had never come: a file that tells it again brings it again.
_TAKEN_BACK = """(
    not exists (select from app.transactions c where c.fact_id = first.fact_id and c.superseded_at is null)
    and (
        select b.status from app.transactions l left join app.import_batches b on b.id = l.batch_id
        where l.fact_id = first.fact_id order by l.version desc limit 1
    ) is not distinct from 'taken_back'
)"""
# Our own export names a fact that has no name of its source by its id.
_KNOWN = f"""
    select first.external_id from app.transactions first
    where portfolio_id = %(portfolio_id)s and version = 1 and external_id = any(%(external_ids)s) and not {_TAKEN_BACK}
    union
    select 'coinsphere:' || first.fact_id from app.transactions first
    where portfolio_id = %(portfolio_id)s and version = 1 and fact_id = any(%(fact_ids)s) and not {_TAKEN_BACK}
"""  # noqa: S608 - constants alone
_COMES_AGAIN = f"""
    select first.external_id, first.fact_id, first.created_at, first.place,
        (select max(version) from app.transactions v where v.fact_id = first.fact_id) as version
    from app.transactions first
    where portfolio_id = %(portfolio_id)s and version = 1 and external_id = any(%(external_ids)s) and {_TAKEN_BACK}
"""  # noqa: S608 - constants alone
_OUR_NAME = "coinsphere:"
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
# Of each token the earliest instant at which something goes, and how many facts go in all.
_SUPERSEDE_BATCH = """
    with gone as (
        update app.transactions set superseded_at = now()
        where user_id = %(user_id)s and batch_id = %(batch_id)s and superseded_at is null
        returning id, token_id, fee_token_id, counter_token_id, occurred_at
    ),
    reversed as (
        insert into app.ledger_entries
            (user_id, portfolio_id, transaction_id, account, token_id, currency, amount, is_reversal)
        select e.user_id, e.portfolio_id, e.transaction_id, e.account, e.token_id, e.currency, -e.amount, true
        from app.ledger_entries e join gone on gone.id = e.transaction_id
        where not e.is_reversal
    )
    select token.id, min(gone.occurred_at), (select count(*) from gone)
    from gone
    cross join lateral unnest(array[gone.token_id, gone.fee_token_id, gone.counter_token_id]) as token (id)
    where token.id is not null
    group by token.id
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
    """A fact to be recorded. `external_id` is its id at its source, by which it is recorded only once."""

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
        """The part of it that is booked."""
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


def get(conn: Connection, user_id: UUID, fact_id: UUID) -> StoredFact | None:
    """The current version of a fact of the user; None where there is none."""
    parameters = {"user_id": user_id, "fact_id": fact_id}
    return _stored(conn.cursor(row_factory=dict_row).execute(_CURRENT, parameters).fetchone())


def history(conn: Connection, user_id: UUID, fact_id: UUID) -> list[StoredFact]:
    """All versions of a fact of the user, the newest first; a withdrawn fact has no current one."""
    parameters = {"user_id": user_id, "fact_id": fact_id}
    rows = conn.cursor(row_factory=dict_row).execute(_HISTORY, parameters)
    return [version for row in rows if (version := _stored(row)) is not None]


class Version(NamedTuple):
    """A version of a fact to be stored; `place` orders those of one instant."""

    version_id: UUID
    fact_id: UUID
    number: int
    created_at: datetime
    new: NewFact
    place: int


class ComesAgain(NamedTuple):
    """A withdrawn fact that may be recorded again by a newer version; `version` is its last."""

    fact_id: UUID
    created_at: datetime
    place: int
    version: int


def insert(conn: Connection, user_id: UUID, versions: Sequence[Version], now: datetime) -> None:
    """Store versions with their double entries, all or none. Raises `InvalidFact` for one out of the time of tokens."""
    entries: list[tuple[object, ...]] = []
    for version in versions:
        require_time(version.new.occurred_at, now)
        key = (user_id, version.new.portfolio_id, version.version_id)
        postings = double_entry.postings(version.new.fact(version.fact_id))
        entries.extend((*key, *posting) for posting in postings)
    _TRANSACTIONS.insert(conn, (_row(user_id, version, now) for version in versions))
    _ENTRIES.insert(conn, entries)


def _row(user_id: UUID, version: Version, now: datetime) -> tuple[object, ...]:
    new = version.new
    return (
        version.version_id, user_id, version.fact_id, version.number, new.portfolio_id, new.kind, new.token_id,
        new.amount, new.price, new.currency, new.fee, new.fee_token_id, new.counter_token_id, new.counter_amount,
        new.exchange, new.occurred_at, new.notes, new.tx_hash, new.source, new.external_id, new.batch_id,
        version.created_at, now, version.place,
    )  # fmt: skip


def supersede(conn: Connection, user_id: UUID, stored: StoredFact) -> None:
    """Take a version out of force: it stays, and its double entry is reversed."""
    parameters = {"user_id": user_id, "version_id": stored.version_id}
    conn.execute(_SUPERSEDE, parameters)
    conn.execute(_REVERSE, parameters)


def supersede_batch(
    conn: Connection, user_id: UUID, batch_id: UUID
) -> tuple[dict[UUID, datetime], int]:
    """Take all facts of an import out of force. Returns the instant each token changes from, and how many facts they were."""
    superseded = conn.execute(
        _SUPERSEDE_BATCH, {"user_id": user_id, "batch_id": batch_id}
    ).fetchall()
    return {token_id: since for token_id, since, _ in superseded}, superseded[0][
        2
    ] if superseded else 0


def _stored(row: dict[str, Any] | None) -> StoredFact | None:
    return None if row is None else StoredFact(**{**row, "kind": Kind(row["kind"])})


def require_time(occurred_at: datetime, now: datetime) -> None:
    """Check that a fact lies in the time of tokens. Raises `InvalidFact`."""
    if occurred_at > now + _CLOCK_SKEW:
        raise InvalidFact("occurred_at", "lies in the future")
    if occurred_at < _GENESIS:
        raise InvalidFact("occurred_at", "lies before the first token, of January 2009")


def known_names(conn: Connection, new: Sequence[NewFact]) -> set[tuple[UUID, str]]:
    """The portfolio and external id of those facts that were recorded before."""
    known: set[tuple[UUID, str]] = set()
    for portfolio_id, named in _named(new).items():
        parameters = {
            "portfolio_id": portfolio_id,
            "external_ids": named,
            "fact_ids": [fact_id for name in named if (fact_id := _fact_id(name)) is not None],
        }
        known |= {(portfolio_id, name) for (name,) in conn.execute(_KNOWN, parameters)}
    return known


def that_come_again(conn: Connection, new: Sequence[NewFact]) -> dict[tuple[UUID, str], ComesAgain]:
    """Of facts that were withdrawn with the import that brought them: by portfolio and external id, what is known of them."""
    by_name = {}
    for portfolio_id, named in _named(new).items():
        parameters = {"portfolio_id": portfolio_id, "external_ids": named}
        for external_id, *rest in conn.execute(_COMES_AGAIN, parameters):
            by_name[portfolio_id, external_id] = ComesAgain(*rest)
    return by_name


def _named(new: Sequence[NewFact]) -> dict[UUID, list[str]]:
    """The external ids, by portfolio."""
    named: dict[UUID, list[str]] = defaultdict(list)
    for fact in new:
        if fact.external_id:
            named[fact.portfolio_id].append(fact.external_id)
    return named


def _fact_id(name: str) -> UUID | None:
    """The id of the fact that our own export names like this; None where it is somebody else's name."""
    if not name.startswith(_OUR_NAME):
        return None
    try:
        return UUID(name.removeprefix(_OUR_NAME))
    except ValueError:
        return None
