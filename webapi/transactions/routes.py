"""A user's transactions: recorded once, corrected by newer versions, never overwritten."""

from datetime import datetime
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response
from psycopg import Connection

from coinsphere.portfolio import portfolios, recording
from coinsphere.portfolio.imports.statements.record import MONEY
from coinsphere.portfolio.ledger import transactions
from coinsphere.portfolio.ledger.transactions import NewFact, StoredFact
from coinsphere.portfolio.performance import realised_gains
from webapi.http import cursor, errors, paths
from webapi.http.schema import Message, camel
from webapi.portfolios import scope
from webapi.portfolios.queries import currency
from webapi.security.access import signed_in
from webapi.services import services
from webapi.tokens import symbols
from webapi.transactions import queries, schemas

blueprint = APIBlueprint("transactions", __name__, tag="Transactions")

_WHAT = "transaction"


@blueprint.get("")
@signed_in
@blueprint.input(schemas.TransactionsQuery, location="query")
@blueprint.output(schemas.TransactionsOut)
def list_transactions(query_data: schemas.TransactionsQuery) -> dict[str, Any]:
    """Transactions, the newest first, by `cursor` or by `offset`."""
    with scope.connection() as conn:
        token = query_data.token_symbol
        wanted = queries.Wanted(
            user_id=scope.user_id(),
            portfolio_id=query_data.portfolio_id,
            token_id=None if token is None else symbols.find(conn, token).id,
            type=query_data.type,
            limit=query_data.limit + 1,
            offset=query_data.offset,
            before=None if query_data.cursor is None else _before(query_data.cursor),
        )
        rows = queries.listed(conn, wanted)
        total = queries.total(conn, wanted)
    shown = rows[: query_data.limit]
    last = shown[-1] if len(rows) > query_data.limit else None
    pagination = {"total": total, "limit": query_data.limit, "offset": query_data.offset}
    following = None
    if last is not None:
        following = cursor.encode([last["timestamp"].isoformat(), str(last["id"])])
    return {"transactions": shown, "pagination": pagination, "nextCursor": following}


@blueprint.post("")
@signed_in
@blueprint.input(schemas.TransactionIn)
@blueprint.output(schemas.OneTransactionOut, 201)
def create_transaction(json_data: schemas.TransactionIn) -> dict[str, Any]:
    """Record a transaction. What is held shows it at once, values of past days within a second."""
    now = services().clock()
    with scope.connection() as conn:
        new = _new(conn, json_data, None, now)
        done = queries.refusing(lambda: recording.record(conn, scope.user_id(), [new], now))
        made = queries.some(conn, scope.user_id(), done.fact_ids)
    return {"transaction": made[0], "isPending": not done.is_booked}


@blueprint.post("/bulk")
@signed_in
@blueprint.input(schemas.BulkIn)
@blueprint.output(schemas.BulkOut, 201)
def create_transactions(json_data: schemas.BulkIn) -> dict[str, Any]:
    """Record up to 1,000 transactions, all or none."""
    now = services().clock()
    with scope.connection() as conn:
        new = [_new(conn, each, json_data.portfolio_id, now) for each in json_data.transactions]
        done = queries.refusing(lambda: recording.record(conn, scope.user_id(), new, now))
        made = queries.some(conn, scope.user_id(), done.fact_ids)
    return {"transactions": made, "count": len(made), "isPending": not done.is_booked}


@blueprint.get("/<transaction_id>")
@signed_in
@blueprint.output(schemas.OneTransactionOut)
def get_transaction(transaction_id: str) -> Response:
    """A transaction."""
    identity = paths.uuid(transaction_id, _WHAT)
    with scope.connection() as conn:
        found = queries.some(conn, scope.user_id(), [identity])
        if not found:
            raise errors.not_found(_WHAT)
        pending = portfolios.get(conn, scope.user_id(), found[0]["portfolio_id"])
    shown = {camel(name): value for name, value in found[0].items() if name != "superseded_at"}
    is_pending = pending is not None and pending.is_pending
    return scope.tagged({"transaction": shown, "isPending": is_pending})


@blueprint.put("/<transaction_id>")
@signed_in
@blueprint.input(schemas.TransactionChange)
@blueprint.output(schemas.OneTransactionOut)
def correct_transaction(
    transaction_id: str, json_data: schemas.TransactionChange
) -> dict[str, Any]:
    """Correct a transaction. Fields that are left out stay; the old version stays in the history."""
    now = services().clock()
    with scope.connection() as conn:
        stored = transactions.get(conn, scope.user_id(), paths.uuid(transaction_id, _WHAT))
        if stored is None:
            raise errors.not_found(_WHAT)
        wanted = _changed(conn, stored, json_data)
        queries.refusing(
            lambda: recording.correct(conn, scope.user_id(), stored.fact_id, wanted, now)
        )
        made = queries.some(conn, scope.user_id(), [stored.fact_id])
        owning = portfolios.get(conn, scope.user_id(), stored.portfolio_id)
    if not made:
        raise errors.not_found(_WHAT)
    return {"transaction": made[0], "isPending": owning is not None and owning.is_pending}


@blueprint.delete("/<transaction_id>")
@signed_in
@blueprint.output(Message, example={"message": "Transaction deleted successfully"})
def delete_transaction(transaction_id: str) -> dict[str, str]:
    """Take a transaction back: it counts no more, and stays in the history."""
    with scope.connection() as conn:
        identity = paths.uuid(transaction_id, _WHAT)
        if recording.withdraw(conn, scope.user_id(), identity, services().clock()) is None:
            raise errors.not_found(_WHAT)
    return {"message": "Transaction deleted successfully"}


@blueprint.get("/<transaction_id>/history")
@signed_in
@blueprint.output(schemas.HistoryOut)
def get_history(transaction_id: str) -> dict[str, Any]:
    """All versions of a transaction, the newest first; also of one that was deleted."""
    with scope.connection() as conn:
        versions = queries.history(conn, scope.user_id(), paths.uuid(transaction_id, _WHAT))
    if not versions:
        raise errors.not_found(_WHAT)
    return {"versions": versions}


@blueprint.get("/<transaction_id>/lots")
@signed_in
@blueprint.output(schemas.LotsOut)
def get_lots(transaction_id: str) -> dict[str, Any]:
    """The lots that a transaction used, with the gain of each part."""
    with scope.connection() as conn:
        identity = paths.uuid(transaction_id, _WHAT)
        if transactions.get(conn, scope.user_id(), identity) is None:
            raise errors.not_found(_WHAT)
        return {"lots": realised_gains.lots_of(conn, scope.user_id(), identity)}


def _new(
    conn: Connection, asked: schemas.TransactionIn, portfolio_id: UUID | None, now: datetime
) -> NewFact:
    owning = asked.portfolio_id or portfolio_id or queries.active_portfolio(conn, scope.user_id())
    if owning is None:
        raise errors.invalid(
            [{"path": "portfolioId", "message": "Field required", "code": "missing"}]
        )
    found = portfolios.get(conn, scope.user_id(), owning)
    if found is None:
        raise errors.not_found(scope.WHAT)
    of_price = found.currency if asked.currency is None else currency(conn, asked.currency)
    return NewFact(
        portfolio_id=found.id,
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
