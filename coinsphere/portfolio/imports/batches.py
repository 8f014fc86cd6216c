"""Stored imports of files: started, extended, answered, confirmed, taken back and listed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from coinsphere.parsing import text_encoding
from coinsphere.portfolio import invalidations
from coinsphere.portfolio.errors import UnreadableFile

TASK = "import_transactions"
MOST_BYTES = 64 * 1024 * 1024
_SELECT = """
    select id, user_id, portfolio_id, format, mapping, answers, file_name, status, rows_total, rows_done, rows_imported,
        rows_known, problems, problem_count, findings, error, created_at, started_at, finished_at
    from app.import_batches
"""
_GET = _SELECT + "where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and id = %(id)s"
BY_ID = _SELECT + "where id = %(id)s"
_LIST = (
    _SELECT
    + """
    where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s
    order by created_at desc, id desc limit %(limit)s
"""
)
# A file that was never confirmed makes room for the next.
_FORGET = """
    delete from app.import_batches
    where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and status = 'previewed'
"""
_OPEN = """
    insert into app.import_batches (user_id, portfolio_id, format, mapping, answers, file_name, content)
    values (%(user_id)s, %(portfolio_id)s, %(format)s, %(mapping)s, %(answers)s, %(file_name)s, %(content)s)
    returning id
"""
_APPEND = """
    update app.import_batches set content = content || %(content)s
    where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and id = %(id)s and status = 'previewed'
        and length(content) + length(%(content)s) <= %(most)s
"""
_ANSWER = """
    update app.import_batches set answers = answers || %(answers)s
    where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and id = %(id)s and status = 'previewed'
"""
_READ_AS = """
    update app.import_batches set format = %(format)s, mapping = %(mapping)s, answers = '{}'
    where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and id = %(id)s and status = 'previewed'
"""
_TAKE_BACK = """
    update app.import_batches set status = 'taken_back'
    where user_id = %(user_id)s and id = %(id)s and status in ('succeeded', 'failed')
"""
_CONTENT = "select content from app.import_batches where id = %(id)s"
_CONFIRM = """
    with confirmed as (
        update app.import_batches set status = 'queued'
        where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and id = %(id)s and status = 'previewed'
        returning id
    )
    select id, jobs.procrastinate_defer_jobs_v1(array[
        (%(queue)s, %(task)s, 0, %(lock)s, null, jsonb_build_object('batch_id', id), null)
            ::jobs.procrastinate_job_to_defer_v1
    ])
    from confirmed
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """An import and its progress; `problems` are the first thousand, `findings` as `resolution.findings_of` gives them."""

    id: UUID
    user_id: UUID
    portfolio_id: UUID
    format: str
    mapping: dict[str, str] | None
    answers: dict[str, Any]
    file_name: str | None
    status: Literal["previewed", "queued", "running", "succeeded", "failed", "taken_back"]
    rows_total: int
    rows_done: int
    rows_imported: int
    rows_known: int
    problems: list[dict[str, Any]]
    problem_count: int
    findings: dict[str, Any]
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


def start(
    conn: Connection,
    user_id: UUID,
    portfolio_id: UUID,
    *,
    form: str,
    content: bytes,
    file_name: str | None = None,
    mapping: Mapping[str, str] | None = None,
    answers: Mapping[str, object] | None = None,
) -> UUID:
    """Store a file, or its first part, for a preview; it replaces an import that was never confirmed.

    Args:
        conn: acts for the user.
        user_id: whose.
        portfolio_id: where transactions go.
        form: one of `files.FORMATS`.
        content: the file, which may end within a character.
        file_name: how the user calls it.
        mapping: of the generic format: our columns to those of the file.
        answers: to what the file leaves open, as `decisions.answered` reads them.
    """
    parameters: dict[str, object] = {"user_id": user_id, "portfolio_id": portfolio_id}
    conn.execute(_FORGET, parameters)
    parameters |= {
        "format": form,
        "mapping": None if mapping is None else Jsonb(dict(mapping)),
        "answers": Jsonb(dict(answers or {})),
        "file_name": file_name,
        "content": content,
    }
    row = conn.execute(_OPEN, parameters).fetchone()
    assert row is not None
    return UUID(str(row[0]))


def append(
    conn: Connection, user_id: UUID, portfolio_id: UUID, batch_id: UUID, content: bytes
) -> bool:
    """Append the next part of a file. Returns False where there is no such unconfirmed import, or it exceeds 64 MiB."""
    parameters = {
        "user_id": user_id,
        "portfolio_id": portfolio_id,
        "id": batch_id,
        "content": content,
        "most": MOST_BYTES,
    }
    return conn.execute(_APPEND, parameters).rowcount == 1


def answer(
    conn: Connection,
    user_id: UUID,
    portfolio_id: UUID,
    batch_id: UUID,
    answers: Mapping[str, object],
) -> bool:
    """Store answers to a file's open questions. Returns False where there is no such unconfirmed import."""
    parameters = {
        "user_id": user_id,
        "portfolio_id": portfolio_id,
        "id": batch_id,
        "answers": Jsonb(dict(answers)),
    }
    return conn.execute(_ANSWER, parameters).rowcount == 1


def read_as(
    conn: Connection, batch: Batch, form: str, mapping: Mapping[str, str] | None = None
) -> bool:
    """Read an import in another format; earlier answers are dropped. Returns False where it is confirmed."""
    parameters = {
        "user_id": batch.user_id,
        "portfolio_id": batch.portfolio_id,
        "id": batch.id,
        "format": form,
        "mapping": None if mapping is None else Jsonb(dict(mapping)),
    }
    return conn.execute(_READ_AS, parameters).rowcount == 1


def get(conn: Connection, user_id: UUID, portfolio_id: UUID, batch_id: UUID) -> Batch | None:
    """An import of the user; None where there is none of that id."""
    parameters = {"user_id": user_id, "portfolio_id": portfolio_id, "id": batch_id}
    return conn.cursor(row_factory=class_row(Batch)).execute(_GET, parameters).fetchone()


def list_for(conn: Connection, user_id: UUID, portfolio_id: UUID, limit: int = 50) -> list[Batch]:
    """The imports of a portfolio, the newest first."""
    parameters = {"user_id": user_id, "portfolio_id": portfolio_id, "limit": limit}
    return conn.cursor(row_factory=class_row(Batch)).execute(_LIST, parameters).fetchall()


def confirm(conn: Connection, user_id: UUID, portfolio_id: UUID, batch_id: UUID) -> bool:
    """Queue the job of an import. Returns False where none waits for confirmation."""
    parameters = {
        "user_id": user_id,
        "portfolio_id": portfolio_id,
        "id": batch_id,
        "queue": invalidations.QUEUE,
        "task": TASK,
        "lock": f"portfolios {user_id}",
    }
    return conn.execute(_CONFIRM, parameters).fetchone() is not None


def take_back(conn: Connection, batch: Batch) -> bool:
    """Mark an import as taken back. Returns False where it is not done, or was taken back before."""
    parameters = {"user_id": batch.user_id, "id": batch.id}
    return conn.execute(_TAKE_BACK, parameters).rowcount == 1


def text_of(conn: Connection, batch_id: UUID) -> str:
    """The file of an import. Raises `UnreadableFile` where it is text neither in UTF-8 nor in UTF-16."""
    row = conn.execute(_CONTENT, {"id": batch_id}).fetchone()
    content = bytes(row[0] if row and row[0] else b"")
    try:
        return content.decode(text_encoding.encoding_of(content))
    except UnicodeDecodeError:
        raise UnreadableFile(
            'is not text in UTF-8: save it anew as "CSV UTF-8", or as Unicode text'
        ) from None
