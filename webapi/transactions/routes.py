"""A user's transactions: recorded once, corrected by newer versions, never overwritten."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from coinsphere.portfolio import portfolios, recording
from coinsphere.portfolio.ledger import transactions
from coinsphere.portfolio.performance import realised_gains
from webapi.http import errors, paths
from webapi.http.schema import Message, camel
from webapi.portfolios import scope
from webapi.security.access import signed_in
from webapi.services import services
from webapi.transactions import queries, schemas, use_cases

blueprint = APIBlueprint("transactions", __name__, tag="Transactions")


@blueprint.get("")
@signed_in
@blueprint.input(schemas.TransactionsQuery, location="query")
@blueprint.output(schemas.TransactionsOut)
def list_transactions(query_data: schemas.TransactionsQuery) -> dict[str, Any]:
    """Transactions, the newest first, by `cursor` or by `offset`."""
    with scope.connection() as conn:
        return use_cases.listed(conn, query_data)


@blueprint.post("")
@signed_in
@blueprint.input(schemas.TransactionIn)
@blueprint.output(schemas.OneTransactionOut, 201)
def create_transaction(json_data: schemas.TransactionIn) -> dict[str, Any]:
    """Record a transaction. What is held shows it at once, values of past days within a second."""
    with scope.connection() as conn:
        return use_cases.record(conn, json_data)


@blueprint.post("/bulk")
@signed_in
@blueprint.input(schemas.BulkIn)
@blueprint.output(schemas.BulkOut, 201)
def create_transactions(json_data: schemas.BulkIn) -> dict[str, Any]:
    """Record up to 1,000 transactions, all or none."""
    now = services().clock()
    with scope.connection() as conn:
        new = [
            use_cases.new(conn, each, json_data.portfolio_id, now)
            for each in json_data.transactions
        ]
        done = queries.refusing(lambda: recording.record(conn, scope.user_id(), new, now))
        recorded = queries.some(conn, scope.user_id(), done.fact_ids)
    return {"transactions": recorded, "count": len(recorded), "isPending": not done.is_booked}


@blueprint.get("/<transaction_id>")
@signed_in
@blueprint.output(schemas.OneTransactionOut)
def get_transaction(transaction_id: str) -> Response:
    """A transaction."""
    with scope.connection() as conn:
        transaction = use_cases.find(conn, transaction_id)
        pending = portfolios.get(conn, scope.user_id(), transaction["portfolio_id"])
    shown = {camel(name): value for name, value in transaction.items() if name != "superseded_at"}
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
    with scope.connection() as conn:
        return use_cases.correct(conn, transaction_id, json_data)


@blueprint.delete("/<transaction_id>")
@signed_in
@blueprint.output(Message, example={"message": "Transaction deleted successfully"})
def delete_transaction(transaction_id: str) -> dict[str, str]:
    """Take a transaction back: it counts no more, and stays in the history."""
    with scope.connection() as conn:
        use_cases.withdraw(conn, transaction_id)
    return {"message": "Transaction deleted successfully"}


@blueprint.post("/<transaction_id>/restore")
@signed_in
@blueprint.output(schemas.OneTransactionOut)
def restore_transaction(transaction_id: str) -> dict[str, Any]:
    """Let a transaction count again that was deleted, as it was last; one that counts stays as it is."""
    with scope.connection() as conn:
        use_cases.bring_back(conn, [transaction_id])
        transaction = use_cases.find(conn, transaction_id)
        owning = portfolios.get(conn, scope.user_id(), transaction["portfolio_id"])
    return {"transaction": transaction, "isPending": owning is not None and owning.is_pending}


@blueprint.get("/<transaction_id>/history")
@signed_in
@blueprint.output(schemas.TransactionVersionsOut)
def get_history(transaction_id: str) -> dict[str, Any]:
    """All versions of a transaction, the newest first; also of one that was deleted."""
    with scope.connection() as conn:
        versions = queries.history(
            conn, scope.user_id(), paths.uuid(transaction_id, use_cases.WHAT)
        )
    if not versions:
        raise errors.not_found(use_cases.WHAT)
    return {"versions": versions}


@blueprint.get("/<transaction_id>/lots")
@signed_in
@blueprint.output(schemas.LotsOut)
def get_lots(transaction_id: str) -> dict[str, Any]:
    """The lots that a transaction used, with the gain of each part."""
    with scope.connection() as conn:
        identity = paths.uuid(transaction_id, use_cases.WHAT)
        if transactions.get(conn, scope.user_id(), identity) is None:
            raise errors.not_found(use_cases.WHAT)
        return {"lots": realised_gains.lots_of(conn, scope.user_id(), identity)}
