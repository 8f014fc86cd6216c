"""Previews of imports: the result before it is confirmed. Stores nothing."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any

from psycopg import Connection

from coinsphere.portfolio.errors import UnreadableFile
from coinsphere.portfolio.imports.batches import Batch
from coinsphere.portfolio.imports.formats.row import Parsed, Problem
from coinsphere.portfolio.imports.resolution import (
    MOST_PROBLEMS,
    Resolved,
    content_of,
    findings_of,
    resolve,
)
from coinsphere.portfolio.ledger import transactions
from coinsphere.portfolio.ledger.transactions import NewFact
from coinsphere.portfolio.lots.movements import Acquire, movements_of
from coinsphere.portfolio.model import EXACT
from coinsphere.portfolio.valuation.stored_market import StoredMarket
from coinsphere.portfolio.valuer import Valuer

_CURRENCY = "select currency from app.portfolios where id = %(id)s"


@dataclass(frozen=True, slots=True)
class Example:
    """A transaction as it would be booked; `cost` is its cost or its proceeds, in the portfolio's currency."""

    line: int
    parsed: Parsed
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class Preview:
    """The result of an import before it is done: rows, transactions, known ones, the first ones, and problems.

    `findings` tell what was decided, what is left out or not read, and what is asked: with questions nothing is imported.
    """

    rows: int
    transactions: int
    known: int
    examples: list[Example]
    problems: list[Problem]
    problem_count: int
    findings: dict[str, Any]


def preview(conn: Connection, batch: Batch, now: datetime, examples: int = 20) -> Preview:
    """Compute the preview of an import. Stores nothing.

    Raises:
        UnreadableFile: the file is unusable as a whole.
    """
    resolved = resolve(conn, batch, now)
    known = transactions.known_names(conn, [fact for _, fact in resolved.facts])
    return Preview(
        rows=resolved.rows,
        transactions=len(resolved.facts),
        known=len(known),
        examples=_examples(conn, batch, resolved, examples),
        problems=resolved.problems[:MOST_PROBLEMS],
        problem_count=len(resolved.problems),
        findings=findings_of(resolved.content),
    )


def _examples(conn: Connection, batch: Batch, resolved: Resolved, most: int) -> list[Example]:
    row = conn.execute(_CURRENCY, {"id": batch.portfolio_id}).fetchone()
    assert row is not None
    valuer = Valuer(StoredMarket(conn), str(row[0]))
    return [
        Example(line, parsed, _cost(fact, valuer))
        for (line, parsed), (_, fact) in zip(
            resolved.parsed[:most], resolved.facts[:most], strict=True
        )
    ]


def _cost(new: NewFact, valuer: Valuer) -> Decimal | None:
    """What booking makes of it: the cost of what comes, or the proceeds of what goes."""
    with localcontext(EXACT):
        moves = movements_of(new.fact(new.portfolio_id), new.token_id, valuer).moves
    first = moves[0] if moves else None
    return first.cost if isinstance(first, Acquire) else first.proceeds if first else None


def has_questions(conn: Connection, batch: Batch) -> bool:
    """Whether the file leaves questions that must be answered before it can be read; False for an unreadable one."""
    try:
        return bool(content_of(conn, batch).questions)
    except UnreadableFile:
        return False
