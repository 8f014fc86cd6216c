"""Imports and exports of files of transactions."""

from collections.abc import Callable, Mapping
from functools import partial
from io import TextIOWrapper
from typing import IO

from flask import Response
from psycopg import Connection

from coinsphere import arrow_files
from coinsphere.audit.events import Event
from coinsphere.portfolio import recording
from coinsphere.portfolio.errors import UnreadableFile
from coinsphere.portfolio.imports import batches, exporting, previews
from coinsphere.portfolio.imports.batches import Batch
from coinsphere.portfolio.imports.previews import Preview
from coinsphere.portfolio.portfolios import Portfolio
from webapi.http import errors, json, paths, tables
from webapi.portfolios import scope
from webapi.security import audit
from webapi.services import services

_IMPORT = "import"


def find(conn: Connection, portfolio_id: str, batch_id: str) -> Batch:
    """An import of the caller. Raises `errors.Problem` with status 404."""
    portfolio = scope.find(conn, portfolio_id)
    batch = batches.get(conn, scope.user_id(), portfolio.id, paths.uuid(batch_id, _IMPORT))
    if batch is None:
        raise errors.not_found(_IMPORT)
    return batch


def append(conn: Connection, batch: Batch, content: bytes) -> None:
    """Add the next part of a file. Raises `errors.Problem` with status 409 where it is confirmed, or too large."""
    if not batches.append(conn, batch.user_id, batch.portfolio_id, batch.id, content):
        raise errors.Problem(
            409, "the import is confirmed already, or grows beyond 64 MiB", code="import-closed"
        )


def answer(conn: Connection, batch: Batch, answers: Mapping[str, object]) -> None:
    """Answer a file's open questions. Raises `errors.Problem` with status 409 where it is confirmed."""
    if not batches.answer(conn, batch.user_id, batch.portfolio_id, batch.id, answers):
        raise closed()


def take_back(conn: Connection, batch: Batch) -> int:
    """Withdraw all transactions of an import. Returns how many. Importing the file again brings them back.

    Raises:
        errors.Problem: 409, it is not done yet, or was taken back before.
    """
    # In the order of the worker's work: the user's lock first, then the row.
    count = recording.take_import_back(conn, batch.user_id, batch.id, services().clock())
    if not batches.take_back(conn, batch):
        raise errors.Problem(
            409, "only an import that is done can be taken back", code="import-open"
        )
    audit.record(
        conn,
        Event.PORTFOLIO_IMPORT_TAKEN_BACK,
        actor_id=batch.user_id,
        target=str(batch.portfolio_id),
        details={"import": str(batch.id), "transactions": count},
    )
    return count


def confirm(conn: Connection, batch: Batch) -> None:
    """Queue the job of an import.

    Raises:
        errors.Problem: 409, it has questions to answer first, or is confirmed already.
    """
    if batch.status == "previewed" and previews.has_questions(conn, batch):
        raise errors.Problem(409, "the import has questions to answer first", code="import-asks")
    if not batches.confirm(conn, batch.user_id, batch.portfolio_id, batch.id):
        raise closed()
    audit.record(
        conn,
        Event.PORTFOLIO_IMPORT_CONFIRMED,
        actor_id=batch.user_id,
        target=str(batch.portfolio_id),
        details={"import": str(batch.id), "format": batch.format},
    )


def preview(conn: Connection, batch: Batch) -> Preview:
    """The result of an import before it is done. Raises `errors.Problem` with status 400 where the file is unusable as a whole."""
    try:
        return previews.preview(conn, batch, services().clock())
    except UnreadableFile as error:
        raise unreadable(error) from None


def unreadable(error: UnreadableFile) -> errors.Problem:
    """400 that says why a file is unusable as a whole."""
    return errors.invalid(
        [{"path": "content", "message": f"the file {error}", "code": "unreadable_file"}]
    )


def closed() -> errors.Problem:
    """409 for an import that can no longer be changed."""
    return errors.Problem(409, "the import is confirmed already", code="import-closed")


def export(portfolio_id: str, form: str) -> Response:
    """All transactions of a portfolio as a file of the format; safe to open in a spreadsheet.

    Raises:
        errors.Problem: 400, a number is too great for the format; 404, there is no such portfolio.
    """
    with tables.sending() as file:
        with scope.connection() as conn, tables.fitting():
            portfolio = scope.find(conn, portfolio_id)
            count = _WRITERS[form](conn, portfolio, file)
            audit.record(
                conn,
                Event.PORTFOLIO_EXPORTED,
                actor_id=scope.user_id(),
                target=str(portfolio.id),
                details={"format": form, "transactions": count},
            )
        return tables.attachment(file, f"portfolio-{portfolio.id}", form)


def _write_csv(conn: Connection, portfolio: Portfolio, file: IO[bytes]) -> int:
    text = TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    written = exporting.write_csv(conn, scope.user_id(), portfolio.id, text)
    text.detach()
    return written


def _write_json(conn: Connection, portfolio: Portfolio, file: IO[bytes]) -> int:
    file.write(b'{"portfolio":' + _json(portfolio.name) + b',"transactions":[')
    written = 0
    for row in exporting.rows(conn, scope.user_id(), portfolio.id):
        file.write((b"," if written else b"") + _json(row._asdict()))
        written += 1
    file.write(b"]}")
    return written


def _json(value: object) -> bytes:
    text = json.dumps(value)
    return text if isinstance(text, bytes) else text.encode()


def _write_table(form: tables.Form, conn: Connection, portfolio: Portfolio, file: IO[bytes]) -> int:
    rows = exporting.rows(conn, scope.user_id(), portfolio.id)
    return arrow_files.write(rows, exporting.COLUMNS, file, form)


_WRITERS: dict[str, Callable[[Connection, Portfolio, IO[bytes]], int]] = {
    "csv": _write_csv,
    "json": _write_json,
    "parquet": partial(_write_table, "parquet"),
    "arrow": partial(_write_table, "arrow"),
}
