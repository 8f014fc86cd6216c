"""Resolves the rows of a file to facts: symbols become tokens, and a row that is no fact gets a reason."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from babel.core import get_global
from psycopg import Connection

from coinsphere.market.reference import tokens as reference
from coinsphere.portfolio.errors import InvalidFact
from coinsphere.portfolio.imports import batches
from coinsphere.portfolio.imports.batches import Batch
from coinsphere.portfolio.imports.formats import files
from coinsphere.portfolio.imports.formats.decisions import answered
from coinsphere.portfolio.imports.formats.files import Content
from coinsphere.portfolio.imports.formats.row import Parsed, Problem
from coinsphere.portfolio.ledger import double_entry, transactions
from coinsphere.portfolio.ledger.transactions import NewFact

MOST_PROBLEMS = 1_000
"""Problems kept of one file; how many there were is counted beyond."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A file's facts with their lines, the rows they come from, and the problems of the others."""

    content: Content
    facts: list[tuple[int, NewFact]]
    parsed: list[tuple[int, Parsed]]
    problems: list[Problem]

    @property
    def rows(self) -> int:
        """How many rows the file has."""
        return self.content.rows


def findings_of(content: Content) -> dict[str, Any]:
    """The decisions on a file and its content that is not imported, as JSON."""
    return {
        "decisions": [each._asdict() for each in content.decisions],
        "unread": [each._asdict() for each in content.unread],
        "questions": [each._asdict() for each in content.questions],
        "warnings": [asdict(each) for each in content.warnings[:MOST_PROBLEMS]],
        "leftOut": [asdict(each) for each in content.left_out[:MOST_PROBLEMS]],
        "leftOutCount": len(content.left_out),
    }


def content_of(conn: Connection, batch: Batch) -> Content:
    """The file as it is read with the answers given so far. Raises `UnreadableFile`."""
    return files.read(
        batches.text_of(conn, batch.id), batch.format, batch.mapping, answered(batch.answers)
    )


def resolve(conn: Connection, batch: Batch, now: datetime) -> Resolved:
    """The facts of a file in its order, the oldest first; that order decides within one instant."""
    content = content_of(conn, batch)
    tokens = reference.ids_by_symbol(conn, _symbols(content.parsed))
    problems = list(content.problems)
    resolved: list[tuple[int, NewFact]] = []
    parsed: list[tuple[int, Parsed]] = []
    for line, row in content.parsed:
        outcome = _fact(batch, row, tokens, now)
        if isinstance(outcome, NewFact):
            resolved.append((line, outcome))
            parsed.append((line, row))
        else:
            part, reason = outcome
            column = None if part is None else content.column_of(row, part)
            problems.append(Problem(line, column, reason))
    return Resolved(content, resolved, parsed, sorted(problems, key=lambda each: each.line))


def _symbols(parsed: Iterable[tuple[int, Parsed]]) -> set[str]:
    return {
        symbol
        for _, row in parsed
        for symbol in (row.symbol, row.fee_symbol, row.counter_symbol, row.currency)
        if symbol
    }


_SYMBOLS = ("symbol", "fee_symbol", "counter_symbol")


def _fact(
    batch: Batch, parsed: Parsed, tokens: Mapping[str, UUID], now: datetime
) -> NewFact | tuple[str | None, str]:
    """The fact of a row, or the part at fault and the reason."""
    unknown = _unknown(parsed, tokens)
    if unknown is not None:
        return unknown
    new = _new_fact(batch, parsed, tokens)
    try:
        double_entry.check(new.fact(batch.id))
        transactions.require_time(new.occurred_at, now)
    except InvalidFact as error:
        return error.field, error.reason
    return new


def _new_fact(batch: Batch, parsed: Parsed, tokens: Mapping[str, UUID]) -> NewFact:
    return NewFact(
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


def _unknown(parsed: Parsed, tokens: Mapping[str, UUID]) -> tuple[str | None, str] | None:
    """The part of a row that is no known token or currency, and the reason."""
    for field in _SYMBOLS:
        symbol = getattr(parsed, field)
        if symbol is not None and symbol not in tokens:
            return field, f"no token has the symbol {symbol[:20]!r}"
    if any("\0" in (text or "") for text in (parsed.notes, parsed.tx_hash, parsed.exchange)):
        return None, "holds a zero byte"
    if _has_money(parsed) and not _is_currency(parsed.currency, tokens):
        return "currency", f"{parsed.currency[:20]!r} is no currency and no token that we know"
    return None


def _has_money(parsed: Parsed) -> bool:
    return parsed.price is not None or (parsed.fee is not None and parsed.fee_symbol is None)


def _is_currency(code: str, tokens: Mapping[str, UUID]) -> bool:
    """Whether something can be priced in it: a state's currency (ISO 4217), or a token."""
    return code in tokens or code in get_global("all_currencies")


def _cut(text: str | None, most: int) -> str | None:
    return None if text is None else text[:most]
