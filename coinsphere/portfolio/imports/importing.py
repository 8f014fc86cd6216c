"""Runs a confirmed import in the worker; repeating it changes nothing."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from coinsphere.analytics import recording as analytics
from coinsphere.analytics.events import TransactionsImported
from coinsphere.clock import Clock
from coinsphere.portfolio import recording
from coinsphere.portfolio.errors import UnreadableFile
from coinsphere.portfolio.imports import batches
from coinsphere.portfolio.imports.batches import Batch
from coinsphere.portfolio.imports.formats.files import Content
from coinsphere.portfolio.imports.resolution import MOST_PROBLEMS, Resolved, findings_of, resolve
from coinsphere.portfolio.jobs import recompute
from coinsphere.portfolio.ledger.transactions import NewFact

_CHUNK = 5_000
"""Facts of one transaction: a second's work, for which the user's own changes wait, and a step of the progress."""

_START = """
    update app.import_batches set status = 'running', started_at = coalesce(started_at, %(now)s), rows_total = %(rows)s,
        problems = %(problems)s, problem_count = %(count)s, findings = %(findings)s, rows_done = 0
    where id = %(id)s
"""
_PROGRESS = """
    update app.import_batches
    set rows_done = %(done)s, rows_imported = rows_imported + %(imported)s, rows_known = %(known)s
    where id = %(id)s
"""
_FINISH = """
    update app.import_batches set status = %(status)s, error = %(error)s, finished_at = %(now)s, content = null
    where id = %(id)s
"""


def run(conn: Connection, batch_id: UUID, clock: Clock) -> None:
    """Run a confirmed import, then book and value its facts.

    Portions are transactions of their own, so that progress shows; one that is done again, after a crash or by a
    second import of the same file, finds its rows known. `conn` must be in autocommit, in the role of the pipeline.
    """
    batch = _open(conn, batch_id)
    if batch is None:
        return
    try:
        resolved = resolve(conn, batch, clock())
        _require_answers(resolved.content)
    except UnreadableFile as error:
        _finish(conn, batch_id, "failed", clock(), str(error))
        return
    _start(conn, batch_id, resolved, clock())
    _record(conn, batch, resolved, clock)
    recompute.update(conn, batch.user_id, clock())
    _finish(conn, batch_id, "succeeded", clock(), None)
    imported = TransactionsImported(batch.format)
    analytics.record(conn, batch.user_id, imported, clock())


def _start(conn: Connection, batch_id: UUID, resolved: Resolved, now: datetime) -> None:
    problems = [asdict(problem) for problem in resolved.problems[:MOST_PROBLEMS]]
    parameters = {
        "id": batch_id,
        "now": now,
        "rows": resolved.rows,
        "problems": Jsonb(problems),
        "count": len(resolved.problems),
        "findings": Jsonb(findings_of(resolved.content)),
    }
    conn.execute(_START, parameters)


def give_up(conn: Connection, batch_id: UUID, now: datetime, why: str) -> None:
    """Close an import that no job continues; what it stored stays, and is recognised when it is repeated."""
    if _open(conn, batch_id) is not None:
        _finish(conn, batch_id, "failed", now, why)


def _open(conn: Connection, batch_id: UUID) -> Batch | None:
    cursor = conn.cursor(row_factory=class_row(Batch))
    batch = cursor.execute(batches.BY_ID, {"id": batch_id}).fetchone()
    return batch if batch is not None and batch.status in ("queued", "running") else None


def _record(conn: Connection, batch: Batch, resolved: Resolved, clock: Clock) -> None:
    known = 0
    facts = _as_it_happened(resolved.facts)
    for at in range(0, len(facts), _CHUNK):
        chunk = facts[at : at + _CHUNK]
        with conn.transaction():
            new = [fact for _, fact in chunk]
            done = recording.record(conn, batch.user_id, new, clock(), at_once=False)
            known += done.known
            progress = {
                "id": batch.id,
                "done": min(at + len(chunk), resolved.rows),
                "imported": len(done.fact_ids),
                "known": known,
            }
            conn.execute(_PROGRESS, progress)
    conn.execute(_PROGRESS, {"id": batch.id, "done": resolved.rows, "imported": 0, "known": known})


def _as_it_happened(facts: Sequence[tuple[int, NewFact]]) -> Sequence[tuple[int, NewFact]]:
    """By time; within an instant in the order of the file, which many an exchange writes with the newest first."""
    is_backwards = bool(facts) and facts[0][1].occurred_at > facts[-1][1].occurred_at
    return sorted(reversed(facts) if is_backwards else facts, key=lambda each: each[1].occurred_at)


def _finish(
    conn: Connection, batch_id: UUID, status: str, now: datetime, error: str | None
) -> None:
    conn.execute(_FINISH, {"id": batch_id, "status": status, "now": now, "error": error})


def _require_answers(content: Content) -> None:
    if content.questions:
        asked = ", ".join(question.option for question in content.questions)
        raise UnreadableFile(f"leaves open what has to be answered: {asked}")
