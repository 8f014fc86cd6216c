"""What users do with their transactions, within a transaction that acts for the user."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import Connection

from coinsphere.analytics.events import TransactionAdded
from coinsphere.portfolio import portfolios, recording
from coinsphere.portfolio.imports.statements.record import MONEY
from coinsphere.portfolio.ledger import transactions
from coinsphere.portfolio.ledger.transactions import NewFact, StoredFact
from coinsphere.portfolio.portfolios import Portfolio
from webapi.analytics.happenings import happened
from webapi.http import cursor, errors, paths
from webapi.http.schema import camel
from webapi.portfolios import scope
from webapi.portfolios.queries import currency
from webapi.services import services
from webapi.tokens import symbols
from webapi.transactions import queries, schemas

WHAT = "transaction"


def listed(conn: Connection, asked: schemas.TransactionsQuery) -> dict[str, Any]:
    """Transactions, the newest first, as `TransactionsOut` takes them. Raises `errors.Problem`: 400 or 404."""
    wanted = _wanted(conn, asked)
    shown, has_more = _page(conn, wanted)
    total = queries.total(conn, wanted)
    pagination = {"total": total, "limit": asked.limit, "offset": asked.offset}
    following = cursor_of(shown[-1]) if has_more else None
    return {"transactions": shown, "pagination": pagination, "nextCursor": following}


def page(conn: Connection, asked: schemas.TransactionsQuery) -> tuple[list[dict[str, Any]], bool]:
    """A page of transactions without their total, and whether more follow. Raises `errors.Problem`: 400 or 404."""
    return _page(conn, _wanted(conn, asked))


def cursor_of(row: dict[str, Any]) -> str:
    """The cursor behind a transaction."""
    return cursor.encode([row["timestamp"].isoformat(), str(row["id"])])


def _wanted(conn: Connection, asked: schemas.TransactionsQuery) -> queries.TransactionFilter:
    token = asked.token_symbol
    return queries.TransactionFilter(
        user_id=scope.user_id(),
        portfolio_id=asked.portfolio_id,
        token_id=None if token is None else symbols.find(conn, token).id,
        type=asked.type,
        limit=asked.limit,
        offset=asked.offset,
        before=None if asked.cursor is None else _before(asked.cursor),
    )


def _page(conn: Connection, wanted: queries.TransactionFilter) -> tuple[list[dict[str, Any]], bool]:
    rows = queries.listed(conn, replace(wanted, limit=wanted.limit + 1))
    return rows[: wanted.limit], len(rows) > wanted.limit


def record(conn: Connection, asked: schemas.TransactionIn) -> dict[str, Any]:
    """Record a transaction, as `OneTransactionOut` takes it. Raises `errors.Problem`: 400 or 404."""
    now = services().clock()
    fact = new(conn, asked, None, now)
    done = queries.refusing(lambda: recording.record(conn, scope.user_id(), [fact], now))
    happened(conn, TransactionAdded(asked.type))
    rows = queries.some(conn, scope.user_id(), done.fact_ids)
    return {"transaction": rows[0], "isPending": not done.is_booked}


def correct(
    conn: Connection, transaction_id: str, asked: schemas.TransactionChange
) -> dict[str, Any]:
    """Correct a transaction; fields that are left out stay. Raises `errors.Problem`: 400 or 404."""
    stored = transactions.get(conn, scope.user_id(), paths.uuid(transaction_id, WHAT))
    if stored is None:
        raise errors.not_found(WHAT)
    wanted = _changed(conn, stored, asked)
    now = services().clock()
    queries.refusing(lambda: recording.correct(conn, scope.user_id(), stored.fact_id, wanted, now))
    written = queries.some(conn, scope.user_id(), [stored.fact_id])
    if not written:
        raise errors.not_found(WHAT)
    owning = portfolios.get(conn, scope.user_id(), stored.portfolio_id)
    return {"transaction": written[0], "isPending": owning is not None and owning.is_pending}


def withdraw(conn: Connection, transaction_id: str) -> None:
    """Withdraw a transaction. Raises `errors.Problem` with status 404."""
    identity = paths.uuid(transaction_id, WHAT)
    if recording.withdraw(conn, scope.user_id(), identity, services().clock()) is None:
        raise errors.not_found(WHAT)


def withdraw_all(conn: Connection, portfolio_id: UUID, transaction_ids: Sequence[str]) -> int:
    """Withdraw transactions of a portfolio, all or none. Returns how many.

    Raises:
        errors.Problem: 404, one of them is not there, or not of that portfolio.
    """
    for each in dict.fromkeys(transaction_ids):
        if find(conn, each)["portfolio_id"] != portfolio_id:
            raise errors.not_found(WHAT)
        withdraw(conn, each)
    return len(set(transaction_ids))


def taken_back(conn: Connection, transaction_ids: Sequence[str]) -> list[str]:
    """The withdrawn transactions among these ids, which must be the caller's. Raises `errors.Problem` with status 404 for what is no id."""
    newest = {
        each: transactions.history(conn, scope.user_id(), paths.uuid(each, WHAT))[:1]
        for each in transaction_ids
    }
    return [
        each
        for each, versions in newest.items()
        if versions and versions[0].superseded_at is not None
    ]


def bring_back(conn: Connection, transaction_ids: Sequence[str]) -> int:
    """Put withdrawn transactions in force again. Returns how many. Raises `errors.Problem` with status 404."""
    identities = [paths.uuid(each, WHAT) for each in transaction_ids]
    return recording.bring_back(conn, scope.user_id(), identities, services().clock())


def find(conn: Connection, transaction_id: str) -> dict[str, Any]:
    """The current version of a transaction. Raises `errors.Problem` with status 404."""
    rows = queries.some(conn, scope.user_id(), [paths.uuid(transaction_id, WHAT)])
    if not rows:
        raise errors.not_found(WHAT)
    return rows[0]


def _owning(conn: Connection, named: UUID | None) -> Portfolio:
    """The named portfolio, else the active one."""
    owning = named or queries.active_portfolio(conn, scope.user_id())
    if owning is None:
        raise errors.invalid(
            [{"path": "portfolioId", "message": "Field required", "code": "missing"}]
        )
    portfolio = portfolios.get(conn, scope.user_id(), owning)
    if portfolio is None:
        raise errors.not_found(scope.WHAT)
    return portfolio


def new(
    conn: Connection, asked: schemas.TransactionIn, portfolio_id: UUID | None, now: datetime
) -> NewFact:
    """The fact that is asked for, of `portfolio_id` where it names none. Raises `errors.Problem`: 400 or 404."""
    portfolio = _owning(conn, asked.portfolio_id or portfolio_id)
    of_price = portfolio.currency if asked.currency is None else currency(conn, asked.currency)
    return NewFact(
        portfolio_id=portfolio.id,
        kind=asked.type,
        token_id=symbols.find(conn, asked.token_symbol).id,
        amount=asked.amount,
        occurred_at=asked.timestamp or now,
        price=asked.price,
        currency=of_price,
        fee=asked.fee,
        fee_token_id=_fee_token_id(conn, asked.fee_token, of_price),
        counter_token_id=_token_id(conn, asked.counter_token_symbol),
        counter_amount=asked.counter_amount,
        exchange=asked.exchange,
        notes=asked.notes,
        tx_hash=asked.tx_hash,
    )


_NAMES = {
    "type": "kind",
    "timestamp": "occurred_at",
    "amount": "amount",
    "price": "price",
    "fee": "fee",
    "counter_amount": "counter_amount",
    "notes": "notes",
    "tx_hash": "tx_hash",
    "exchange": "exchange",
}
_SYMBOLS = {
    "token_symbol": "token_id",
    "counter_token_symbol": "counter_token_id",
}
_REQUIRED = ("type", "timestamp", "amount", "token_symbol", "currency", "portfolio_id")


def _changed(conn: Connection, stored: StoredFact, asked: schemas.TransactionChange) -> NewFact:
    changes = asked.model_dump(exclude_unset=True)
    nulls = [name for name in _REQUIRED if name in changes and changes[name] is None]
    if nulls:
        raise errors.invalid(
            [{"path": camel(name), "message": "must not be null", "code": "null"} for name in nulls]
        )
    if changes.get("portfolio_id", stored.portfolio_id) != stored.portfolio_id:
        message = "a transaction is not moved: delete it and record it there"
        raise errors.invalid([{"path": "portfolioId", "message": message, "code": "immutable"}])
    values = {name: getattr(stored, name) for name in NewFact.__dataclass_fields__}
    values |= {ours: changes[name] for name, ours in _NAMES.items() if name in changes}
    values |= {
        ours: _token_id(conn, changes[name]) for name, ours in _SYMBOLS.items() if name in changes
    }
    if "currency" in changes:
        values["currency"] = currency(conn, changes["currency"])
    if "fee_token" in changes:
        values["fee_token_id"] = _fee_token_id(conn, changes["fee_token"], values["currency"])
    return NewFact(**values)


def _token_id(conn: Connection, symbol: str | None) -> UUID | None:
    return None if symbol is None else symbols.find(conn, symbol).id


def _fee_token_id(conn: Connection, asked: str | None, of_price: str) -> UUID | None:
    """The token of a fee; None where it is money, which is in the currency of the price."""
    if asked is None or asked.upper() == of_price:
        return None
    if asked.upper() in MONEY:
        message = f"a fee in money is in the currency of the price, which is {of_price}"
        raise errors.invalid([{"path": "feeToken", "message": message, "code": "other_currency"}])
    return _token_id(conn, asked)


def _before(text: str) -> tuple[datetime, UUID]:
    at, fact_id = cursor.decode(text, 2)
    try:
        return datetime.fromisoformat(at), UUID(fact_id)
    except (TypeError, ValueError, AttributeError):
        raise cursor.refused() from None
