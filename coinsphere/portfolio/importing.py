"""Imports of files: looked at first, then confirmed and done by the worker, as often as one likes with one effect."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any, Literal
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from coinsphere.clock import Clock
from coinsphere.portfolio import facts, ledger, marks, worker
from coinsphere.portfolio.errors import InvalidFact, UnreadableFile
from coinsphere.portfolio.facts import NewFact
from coinsphere.portfolio.formats import files
from coinsphere.portfolio.formats.files import Content
from coinsphere.portfolio.formats.reading import answered
from coinsphere.portfolio.formats.row import Parsed, Problem
from coinsphere.portfolio.history import StoredMarket
from coinsphere.portfolio.legs import Acquire, Valuer, legs
from coinsphere.portfolio.model import EXACT

TASK = "import_transactions"
MOST_BYTES = 64 * 1024 * 1024
_CHUNK = 5_000
"""Facts of one transaction: a second's work, for which the user's own changes wait, and a step of the progress."""
_MOST_PROBLEMS = 1_000
"""Problems kept of one file; how many there were is counted beyond."""

_BATCH = """
    select id, user_id, portfolio_id, format, mapping, answers, file_name, status, rows_total, rows_done, rows_imported,
        rows_known, problems, problem_count, findings, error, created_at, started_at, finished_at
    from app.import_batches
"""
_GET = _BATCH + "where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and id = %(id)s"
_BY_ID = _BATCH + "where id = %(id)s"
_LIST = (
    _BATCH
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
_CURRENCY = "select currency from app.portfolios where id = %(id)s"
# Of several tokens with one symbol, the one of the highest market cap, as everywhere.
_TOKENS = """
    select distinct on (t.symbol) t.symbol, t.id
    from market.tokens t
    left join market.quotes q on q.token_id = t.id
    where t.symbol = any(%(symbols)s)
    order by t.symbol, t.is_active desc, q.market_cap desc nulls last, t.created_at, t.id
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """An import and how far it is; `problems` are the first thousand, `findings` what was found beside (`_findings`)."""

    id: UUID
    user_id: UUID
    portfolio_id: UUID
    format: str
    mapping: dict[str, str] | None
    answers: dict[str, Any]
    file_name: str | None
    status: Literal["previewed", "queued", "running", "succeeded", "failed"]
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


@dataclass(frozen=True, slots=True)
class Example:
    """A transaction as it would be booked; `cost` is what it would cost or bring, in the portfolio's currency."""

    line: int
    parsed: Parsed
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do: rows read, transactions found, how many are known, the first ones, what is wrong.

    `findings` tell what was decided, what is left out or not read, and what is asked: with questions nothing is imported.
    """

    rows: int
    transactions: int
    known: int
    examples: list[Example]
    problems: list[Problem]
    problem_count: int
    findings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Resolved:
    content: Content
    facts: list[tuple[int, NewFact]]
    parsed: list[tuple[int, Parsed]]
    problems: list[Problem]

    @property
    def rows(self) -> int:
        return self.content.rows


def start(
    conn: Connection,
    user_id: UUID,
    portfolio_id: UUID,
    *,
    form: str,
    content: str,
    file_name: str | None = None,
    mapping: Mapping[str, str] | None = None,
    answers: Mapping[str, object] | None = None,
) -> UUID:
    """Store a file, or the first part of one, to be looked at; takes the place of one that was never confirmed.

    Args:
        conn: acts for the user.
        user_id: whose.
        portfolio_id: where transactions go.
        form: one of `files.FORMATS`.
        content: the file's text.
        file_name: how the user calls it.
        mapping: of the generic format: our columns to those of the file.
        answers: to what the file leaves open, as `reading.answered` reads them.
    """
    parameters: dict[str, object] = {"user_id": user_id, "portfolio_id": portfolio_id}
    conn.execute(_FORGET, parameters)
    parameters |= {
        "format": form,
        "mapping": None if mapping is None else Jsonb(dict(mapping)),
        "answers": Jsonb(dict(answers or {})),
        "file_name": file_name,
        "content": content.encode(),
    }
    row = conn.execute(_OPEN, parameters).fetchone()
    assert row is not None
    return UUID(str(row[0]))


def append(
    conn: Connection, user_id: UUID, portfolio_id: UUID, batch_id: UUID, content: str
) -> bool:
    """Add the next part of a file; False where there is no such unconfirmed import, or it grows beyond 64 MiB."""
    parameters = {
        "user_id": user_id,
        "portfolio_id": portfolio_id,
        "id": batch_id,
        "content": content.encode(),
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
    """Keep answers to what a file leaves open; False where there is no such unconfirmed import."""
    parameters = {
        "user_id": user_id,
        "portfolio_id": portfolio_id,
        "id": batch_id,
        "answers": Jsonb(dict(answers)),
    }
    return conn.execute(_ANSWER, parameters).rowcount == 1


def get(conn: Connection, user_id: UUID, portfolio_id: UUID, batch_id: UUID) -> Batch | None:
    """An import of the user; None where there is none of that id."""
    parameters = {"user_id": user_id, "portfolio_id": portfolio_id, "id": batch_id}
    return conn.cursor(row_factory=class_row(Batch)).execute(_GET, parameters).fetchone()


def list_for(conn: Connection, user_id: UUID, portfolio_id: UUID, limit: int = 50) -> list[Batch]:
    """The imports of a portfolio, the newest first."""
    parameters = {"user_id": user_id, "portfolio_id": portfolio_id, "limit": limit}
    return conn.cursor(row_factory=class_row(Batch)).execute(_LIST, parameters).fetchall()


def preview(conn: Connection, batch: Batch, now: datetime, examples: int = 20) -> Preview:
    """What the import would do. Stores nothing.

    Raises:
        UnreadableFile: the file is unusable as a whole.
    """
    found = _resolve(conn, batch, now)
    known = facts.known_names(conn, [fact for _, fact in found.facts])
    return Preview(
        rows=found.rows,
        transactions=len(found.facts),
        known=len(known),
        examples=_examples(conn, batch, found, examples),
        problems=found.problems[:_MOST_PROBLEMS],
        problem_count=len(found.problems),
        findings=_findings(found.content),
    )


def _examples(conn: Connection, batch: Batch, found: _Resolved, most: int) -> list[Example]:
    row = conn.execute(_CURRENCY, {"id": batch.portfolio_id}).fetchone()
    assert row is not None
    valuer = Valuer(StoredMarket(conn), str(row[0]))
    return [
        Example(line, parsed, _cost(fact, valuer))
        for (line, parsed), (_, fact) in zip(found.parsed[:most], found.facts[:most], strict=True)
    ]


def _cost(new: NewFact, valuer: Valuer) -> Decimal | None:
    """What booking makes of it: the cost of what comes, or the proceeds of what goes."""
    with localcontext(EXACT):
        moves = legs(new.fact(new.portfolio_id), new.token_id, valuer).moves
    first = moves[0] if moves else None
    return first.cost if isinstance(first, Acquire) else first.proceeds if first else None


def _findings(content: Content) -> dict[str, Any]:
    """What was decided of a file, and what of it is not imported, as JSON."""
    return {
        "decisions": [each._asdict() for each in content.decisions],
        "unread": [each._asdict() for each in content.unread],
        "questions": [each._asdict() for each in content.questions],
        "warnings": [asdict(each) for each in content.warnings],
        "leftOut": [asdict(each) for each in content.left_out[:_MOST_PROBLEMS]],
        "leftOutCount": len(content.left_out),
    }


def has_questions(conn: Connection, batch: Batch) -> bool:
    """Whether the file leaves open what has to be answered before it can be read; False for an unreadable one."""
    try:
        return bool(_content(conn, batch).questions)
    except UnreadableFile:
        return False


def confirm(conn: Connection, user_id: UUID, portfolio_id: UUID, batch_id: UUID) -> bool:
    """Have the worker do the import; False where there is none that waits for it."""
    parameters = {
        "user_id": user_id,
        "portfolio_id": portfolio_id,
        "id": batch_id,
        "queue": marks.QUEUE,
        "task": TASK,
        "lock": f"portfolios {user_id}",
    }
    return conn.execute(_CONFIRM, parameters).fetchone() is not None


def run(conn: Connection, batch_id: UUID, clock: Clock) -> None:
    """Do an import that was confirmed, then book and value what it brought.

    Portions are transactions of their own, so that progress shows; one that is done again, after a crash or by a
    second import of the same file, finds its rows known. `conn` must be in autocommit, in the role of the pipeline.
    """
    batch = conn.cursor(row_factory=class_row(Batch)).execute(_BY_ID, {"id": batch_id}).fetchone()
    if batch is None or batch.status not in ("queued", "running"):
        return
    try:
        found = _resolve(conn, batch, clock())
        _require_answers(found.content)
    except UnreadableFile as error:
        _finish(conn, batch_id, "failed", clock(), str(error))
        return
    problems = [asdict(problem) for problem in found.problems[:_MOST_PROBLEMS]]
    parameters = {
        "id": batch_id,
        "now": clock(),
        "rows": found.rows,
        "problems": Jsonb(problems),
        "count": len(found.problems),
        "findings": Jsonb(_findings(found.content)),
    }
    conn.execute(_START, parameters)
    _record(conn, batch, found, clock)
    worker.update(conn, batch.user_id, clock())
    _finish(conn, batch_id, "succeeded", clock(), None)


def _record(conn: Connection, batch: Batch, found: _Resolved, clock: Clock) -> None:
    known = 0
    told = _as_it_happened(found.facts)
    for at in range(0, len(told), _CHUNK):
        chunk = told[at : at + _CHUNK]
        with conn.transaction():
            new = [fact for _, fact in chunk]
            done = facts.record(conn, batch.user_id, new, clock(), at_once=False)
            known += done.known
            progress = {
                "id": batch.id,
                "done": min(at + len(chunk), found.rows),
                "imported": len(done.fact_ids),
                "known": known,
            }
            conn.execute(_PROGRESS, progress)
    conn.execute(_PROGRESS, {"id": batch.id, "done": found.rows, "imported": 0, "known": known})


def _as_it_happened(told: Sequence[tuple[int, NewFact]]) -> Sequence[tuple[int, NewFact]]:
    """By time; within an instant in the order of the file, which many an exchange writes with the newest first."""
    is_backwards = bool(told) and told[0][1].occurred_at > told[-1][1].occurred_at
    return sorted(reversed(told) if is_backwards else told, key=lambda each: each[1].occurred_at)


def _finish(
    conn: Connection, batch_id: UUID, status: str, now: datetime, error: str | None
) -> None:
    conn.execute(_FINISH, {"id": batch_id, "status": status, "now": now, "error": error})


def _require_answers(content: Content) -> None:
    if content.questions:
        asked = ", ".join(question.option for question in content.questions)
        raise UnreadableFile(f"leaves open what has to be answered: {asked}")


def _content(conn: Connection, batch: Batch) -> Content:
    return files.read(_text(conn, batch.id), batch.format, batch.mapping, answered(batch.answers))


def _resolve(conn: Connection, batch: Batch, now: datetime) -> _Resolved:
    """The facts that the file tells, in its order, the oldest first: that order holds within one instant."""
    content = _content(conn, batch)
    tokens = _tokens(conn, content.parsed)
    problems = list(content.problems)
    resolved: list[tuple[int, NewFact]] = []
    parsed: list[tuple[int, Parsed]] = []
    for line, each in content.parsed:
        made = _fact(batch, each, tokens, now)
        if isinstance(made, NewFact):
            resolved.append((line, made))
            parsed.append((line, each))
        else:
            part, reason = made
            column = None if part is None else content.column_of(each, part)
            problems.append(Problem(line, column, reason))
    return _Resolved(content, resolved, parsed, sorted(problems, key=lambda each: each.line))


def _text(conn: Connection, batch_id: UUID) -> str:
    row = conn.execute(_CONTENT, {"id": batch_id}).fetchone()
    try:
        return bytes(row[0] if row and row[0] else b"").decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnreadableFile("is not text in UTF-8") from None


def _tokens(conn: Connection, parsed: Iterable[tuple[int, Parsed]]) -> dict[str, UUID]:
    symbols = {
        symbol
        for _, each in parsed
        for symbol in (each.symbol, each.fee_symbol, each.counter_symbol)
        if symbol and "\0" not in symbol
    }
    return dict(conn.execute(_TOKENS, {"symbols": sorted(symbols)}).fetchall())


_SYMBOLS = ("symbol", "fee_symbol", "counter_symbol")


def _fact(
    batch: Batch, parsed: Parsed, tokens: Mapping[str, UUID], now: datetime
) -> NewFact | tuple[str | None, str]:
    """The fact, or the part of it and the reason why it is none."""
    for field in _SYMBOLS:
        symbol = getattr(parsed, field)
        if symbol is not None and symbol not in tokens:
            return field, f"no token has the symbol {symbol[:20]!r}"
    if any("\0" in (text or "") for text in (parsed.notes, parsed.tx_hash, parsed.exchange)):
        return None, "holds a zero byte"
    new = NewFact(
        portfolio_id=batch.portfolio_id,
        kind=parsed.kind,
        token_id=tokens[parsed.symbol],
        amount=parsed.amount,
        occurred_at=parsed.occurred_at,
        price=parsed.price,
        currency=parsed.currency[:20],
        fee=parsed.fee,
        fee_token_id=tokens.get(parsed.fee_symbol or ""),
        counter_token_id=tokens.get(parsed.counter_symbol or ""),
        counter_amount=parsed.counter_amount,
        exchange=_cut(parsed.exchange, 50),
        notes=_cut(parsed.notes, 2000),
        tx_hash=_cut(parsed.tx_hash, 200),
        source="import",
        external_id=parsed.external_id,
        batch_id=batch.id,
    )
    try:
        ledger.check(new.fact(batch.id))
        facts.require_time(new.occurred_at, now)
    except InvalidFact as error:
        return error.field, error.reason
    return new


def _cut(text: str | None, most: int) -> str | None:
    return None if text is None else text[:most]
