"""Imports and exports of transactions."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response
from psycopg import Connection

from coinsphere.portfolio.imports import batches
from coinsphere.portfolio.imports.batches import Batch
from coinsphere.portfolio.imports.previews import Example
from webapi.http import tables
from webapi.http.schema import Message
from webapi.portfolios import scope
from webapi.portfolios.files import schemas, use_cases
from webapi.security.access import signed_in

blueprint = APIBlueprint("portfolio_files", __name__, tag="Portfolios")

_FILE: dict[int | str, dict[str, str | dict[str, dict[str, Any]]]] = {
    200: {
        "description": "The file.",
        "content": {
            "text/csv": {"schema": {}},
            "application/json": {"schema": {}},
            "application/vnd.apache.parquet": {"schema": {}},
            "application/vnd.apache.arrow.file": {"schema": {}},
        },
    }
}


@blueprint.post("/<portfolio_id>/imports")
@signed_in
@blueprint.input(schemas.ImportIn)
@blueprint.output(schemas.ImportOut, 201)
def start_import(portfolio_id: str, json_data: schemas.ImportIn) -> dict[str, Any]:
    """Look at a file: what it would bring, what is wrong in which line and column. Nothing is stored of it yet.

    A file above 1 MiB is sent in parts. Takes the place of an import that was never confirmed.
    """
    with scope.connection() as conn:
        portfolio = scope.find(conn, portfolio_id)
        batch_id = batches.start(
            conn, scope.user_id(), portfolio.id,
            form=json_data.format, content=json_data.content.encode(), file_name=json_data.file_name,
            mapping=json_data.mapping, answers=json_data.told(),
        )  # fmt: skip
        return _shown(conn, use_cases.find(conn, str(portfolio.id), str(batch_id)))


@blueprint.post("/<portfolio_id>/imports/<batch_id>/parts")
@signed_in
@blueprint.input(schemas.ImportPart)
@blueprint.output(Message, example={"message": "Part received"})
def add_part(portfolio_id: str, batch_id: str, json_data: schemas.ImportPart) -> dict[str, str]:
    """Send the next part of a file; 64 MiB in all."""
    with scope.connection() as conn:
        use_cases.append(
            conn, use_cases.find(conn, portfolio_id, batch_id), json_data.content.encode()
        )
    return {"message": "Part received"}


@blueprint.patch("/<portfolio_id>/imports/<batch_id>")
@signed_in
@blueprint.input(schemas.AnswersIn)
@blueprint.output(schemas.ImportOut)
def answer_import(portfolio_id: str, batch_id: str, json_data: schemas.AnswersIn) -> dict[str, Any]:
    """Answer what a file leaves open: its number format, order of dates, time zone, unknown columns."""
    with scope.connection() as conn:
        use_cases.answer(conn, use_cases.find(conn, portfolio_id, batch_id), json_data.told())
        return _shown(conn, use_cases.find(conn, portfolio_id, batch_id))


@blueprint.get("/<portfolio_id>/imports")
@signed_in
@blueprint.output(schemas.ImportsOut)
def list_imports(portfolio_id: str) -> dict[str, Any]:
    """The newest imports of a portfolio."""
    with scope.connection() as conn:
        portfolio = scope.find(conn, portfolio_id)
        return {"imports": batches.list_for(conn, scope.user_id(), portfolio.id)}


@blueprint.get("/<portfolio_id>/imports/<batch_id>")
@signed_in
@blueprint.output(schemas.ImportOut)
def get_import(portfolio_id: str, batch_id: str) -> dict[str, Any]:
    """An import: what it would do, or how far it is."""
    with scope.connection() as conn:
        return _shown(conn, use_cases.find(conn, portfolio_id, batch_id))


@blueprint.post("/<portfolio_id>/imports/<batch_id>/confirm")
@signed_in
@blueprint.output(schemas.ImportOut, 202)
def confirm_import(portfolio_id: str, batch_id: str) -> dict[str, Any]:
    """Have the worker do an import. Lines that are wrong are left out and named."""
    with scope.connection() as conn:
        use_cases.confirm(conn, use_cases.find(conn, portfolio_id, batch_id))
        return {"import": use_cases.find(conn, portfolio_id, batch_id), "preview": None}


@blueprint.post("/<portfolio_id>/imports/<batch_id>/take-back")
@signed_in
@blueprint.output(schemas.ImportOut)
def take_import_back(portfolio_id: str, batch_id: str) -> dict[str, Any]:
    """Take back all that an import brought and that still counts; imported again, it comes again.

    Each transaction stays in its history. Answers 409 while the import is under way.
    """
    with scope.connection() as conn:
        use_cases.take_back(conn, use_cases.find(conn, portfolio_id, batch_id))
        return {"import": use_cases.find(conn, portfolio_id, batch_id), "preview": None}


@blueprint.get("/<portfolio_id>/export")
@signed_in
@blueprint.input(schemas.ExportQuery, location="query")
@blueprint.doc(responses=_FILE)
def export(portfolio_id: str, query_data: schemas.ExportQuery) -> Response:
    """All transactions, as a file that imports back to the same state; safe to open in a spreadsheet."""
    return use_cases.export(portfolio_id, tables.asked(query_data.format, usual="csv"))


def _shown(conn: Connection, batch: Batch) -> dict[str, Any]:
    if batch.status != "previewed":
        return {"import": batch, "preview": None}
    looked = use_cases.preview(conn, batch)
    preview = {
        "rows": looked.rows,
        "transactions": looked.transactions,
        "known": looked.known,
        "problemCount": looked.problem_count,
        "problems": looked.problems,
        "findings": looked.findings,
        "examples": [_example(each) for each in looked.examples],
    }
    return {"import": batch, "preview": preview}


def _example(example: Example) -> dict[str, Any]:
    parsed = example.parsed
    return {
        "line": example.line,
        "type": parsed.kind,
        "tokenSymbol": parsed.symbol,
        "amount": parsed.amount,
        "price": parsed.price,
        "currency": parsed.currency,
        "fee": parsed.fee,
        "feeToken": parsed.fee_symbol,
        "counterTokenSymbol": parsed.counter_symbol,
        "counterAmount": parsed.counter_amount,
        "exchange": parsed.exchange,
        "notes": parsed.notes,
        "txHash": parsed.tx_hash,
        "cost": example.cost,
        "timestamp": parsed.occurred_at,
    }
