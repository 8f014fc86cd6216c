"""Imports and exports of transactions."""

from collections.abc import Iterator
from contextlib import ExitStack
from io import TextIOWrapper
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from apiflask import APIBlueprint
from flask import Response
from psycopg import Connection

from coinsphere.portfolio.errors import UnreadableFile
from coinsphere.portfolio.imports import batches, exporting, previews
from coinsphere.portfolio.imports.batches import Batch
from coinsphere.portfolio.imports.previews import Example
from coinsphere.portfolio.portfolios import Portfolio
from coinsphere.security.audit_events import Event
from webapi.http import errors, json, paths
from webapi.http.schema import Message
from webapi.portfolios import scope
from webapi.portfolios.files import schemas
from webapi.security import audit
from webapi.security.access import signed_in
from webapi.services import services

_IMPORT = "import"
_IN_MEMORY = 1024 * 1024
"""Bytes of an export from which on it lies on disk."""
_PART = 64 * 1024

blueprint = APIBlueprint("portfolio_files", __name__, tag="Portfolios")

_FILE: dict[int | str, dict[str, str | dict[str, dict[str, Any]]]] = {
    200: {
        "description": "The file.",
        "content": {"text/csv": {"schema": {}}, "application/json": {"schema": {}}},
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
        found = scope.find(conn, portfolio_id)
        batch_id = batches.start(
            conn, scope.user_id(), found.id,
            form=json_data.format, content=json_data.content, file_name=json_data.file_name,
            mapping=json_data.mapping, answers=json_data.told(),
        )  # fmt: skip
        return _shown(conn, _batch(conn, str(found.id), str(batch_id)))


@blueprint.post("/<portfolio_id>/imports/<batch_id>/parts")
@signed_in
@blueprint.input(schemas.ImportPart)
@blueprint.output(Message, example={"message": "Part received"})
def add_part(portfolio_id: str, batch_id: str, json_data: schemas.ImportPart) -> dict[str, str]:
    """Send the next part of a file; 64 MiB in all."""
    with scope.connection() as conn:
        batch = _batch(conn, portfolio_id, batch_id)
        if not batches.append(
            conn, scope.user_id(), batch.portfolio_id, batch.id, json_data.content
        ):
            raise errors.Problem(
                409, "the import is confirmed already, or grows beyond 64 MiB", code="import-closed"
            )
    return {"message": "Part received"}


@blueprint.patch("/<portfolio_id>/imports/<batch_id>")
@signed_in
@blueprint.input(schemas.AnswersIn)
@blueprint.output(schemas.ImportOut)
def answer_import(portfolio_id: str, batch_id: str, json_data: schemas.AnswersIn) -> dict[str, Any]:
    """Answer what a file leaves open: its number format, order of dates, time zone, unknown columns."""
    with scope.connection() as conn:
        batch = _batch(conn, portfolio_id, batch_id)
        if not batches.answer(
            conn, scope.user_id(), batch.portfolio_id, batch.id, json_data.told()
        ):
            raise errors.Problem(409, "the import is confirmed already", code="import-closed")
        return _shown(conn, _batch(conn, portfolio_id, batch_id))


@blueprint.get("/<portfolio_id>/imports")
@signed_in
@blueprint.output(schemas.ImportsOut)
def list_imports(portfolio_id: str) -> dict[str, Any]:
    """The newest imports of a portfolio."""
    with scope.connection() as conn:
        found = scope.find(conn, portfolio_id)
        return {"imports": batches.list_for(conn, scope.user_id(), found.id)}


@blueprint.get("/<portfolio_id>/imports/<batch_id>")
@signed_in
@blueprint.output(schemas.ImportOut)
def get_import(portfolio_id: str, batch_id: str) -> dict[str, Any]:
    """An import: what it would do, or how far it is."""
    with scope.connection() as conn:
        return _shown(conn, _batch(conn, portfolio_id, batch_id))


@blueprint.post("/<portfolio_id>/imports/<batch_id>/confirm")
@signed_in
@blueprint.output(schemas.ImportOut, 202)
def confirm_import(portfolio_id: str, batch_id: str) -> dict[str, Any]:
    """Have the worker do an import. Lines that are wrong are left out and named."""
    with scope.connection() as conn:
        batch = _batch(conn, portfolio_id, batch_id)
        if batch.status == "previewed" and previews.has_questions(conn, batch):
            raise errors.Problem(
                409, "the import has questions to answer first", code="import-asks"
            )
        if not batches.confirm(conn, scope.user_id(), batch.portfolio_id, batch.id):
            raise errors.Problem(409, "the import is confirmed already", code="import-closed")
        shown = {"import": _batch(conn, portfolio_id, batch_id), "preview": None}
        audit.record(
            conn,
            Event.PORTFOLIO_IMPORT_CONFIRMED,
            actor_id=scope.user_id(),
            target=str(batch.portfolio_id),
            details={"import": str(batch.id), "format": batch.format},
        )
        return shown


@blueprint.get("/<portfolio_id>/export")
@signed_in
@blueprint.input(schemas.ExportQuery, location="query")
@blueprint.doc(responses=_FILE)
def export(portfolio_id: str, query_data: schemas.ExportQuery) -> Response:
    """All transactions, as a file that imports back to the same state; safe to open in a spreadsheet.

    The file is written first, row by row and on disk once it is large: a reader that is slow, or gone, holds no
    connection of the database, and what fails does so before anything was sent.
    """
    form = query_data.format
    with ExitStack() as until_sent:
        file = until_sent.enter_context(SpooledTemporaryFile(max_size=_IN_MEMORY))
        with scope.connection() as conn:
            found = scope.find(conn, portfolio_id)
            count = _WRITERS[form](conn, found, file)
            audit.record(
                conn,
                Event.PORTFOLIO_EXPORTED,
                actor_id=scope.user_id(),
                target=str(found.id),
                details={"format": form, "transactions": count},
            )
        answer = _attachment(file, f"portfolio-{found.id}.{form}", form)
        until_sent.pop_all()
    return answer


def _write_csv(conn: Connection, found: Portfolio, file: IO[bytes]) -> int:
    text = TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    written = exporting.write_csv(conn, scope.user_id(), found.id, text)
    text.detach()
    return written


def _write_json(conn: Connection, found: Portfolio, file: IO[bytes]) -> int:
    file.write(b'{"portfolio":' + _json(found.name) + b',"transactions":[')
    written = 0
    for row in exporting.rows(conn, scope.user_id(), found.id):
        file.write((b"," if written else b"") + _json(row._asdict()))
        written += 1
    file.write(b"]}")
    return written


def _json(value: object) -> bytes:
    text = json.dumps(value)
    return text if isinstance(text, bytes) else text.encode()


_WRITERS = {"csv": _write_csv, "json": _write_json}
_TYPES = {"csv": "text/csv", "json": "application/json"}


def _attachment(file: IO[bytes], name: str, form: str) -> Response:
    size = file.tell()
    file.seek(0)
    answer = Response(_parts(file), mimetype=_TYPES[form])
    answer.call_on_close(file.close)
    answer.content_length = size
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _parts(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while part := file.read(_PART):
            yield part


def _batch(conn: Connection, portfolio_id: str, batch_id: str) -> Batch:
    found = scope.find(conn, portfolio_id)
    batch = batches.get(conn, scope.user_id(), found.id, paths.uuid(batch_id, _IMPORT))
    if batch is None:
        raise errors.not_found(_IMPORT)
    return batch


def _shown(conn: Connection, batch: Batch) -> dict[str, Any]:
    if batch.status != "previewed":
        return {"import": batch, "preview": None}
    try:
        looked = previews.preview(conn, batch, services().clock())
    except UnreadableFile as error:
        raise errors.invalid(
            [{"path": "content", "message": f"the file {error}", "code": "unreadable_file"}]
        ) from None
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
