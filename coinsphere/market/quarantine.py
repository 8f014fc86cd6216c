"""Rows that made no sense, kept as they came for a person to judge."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb

_LONGEST = 10_000
"""Characters kept of one value: a source may answer with a whole page."""

# The very same row comes again with every run: it is kept once, also after somebody judged it.
_STORE = """
    insert into market.quarantine (token_id, kind, source, reason, payload)
    select %(token_id)s, %(kind)s, %(source)s, %(reason)s, %(payload)s
    where not exists (
        select from market.quarantine
        where token_id is not distinct from %(token_id)s
            and kind = %(kind)s and source = %(source)s and reason = %(reason)s and payload = %(payload)s
    )
"""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not stored, and why. `payload` must not change when the same row comes again."""

    token_id: UUID | None
    kind: Literal["candle", "quote", "metadata"]
    source: str
    reason: str
    payload: Mapping[str, str | None]


def store(conn: Connection, rows: Iterable[Rejected]) -> None:
    """Keep `rows`, each once however often it comes."""
    with conn.cursor() as cursor:
        cursor.executemany(_STORE, [_parameters(row) for row in rows])


def _parameters(row: Rejected) -> dict[str, object]:
    return {
        "token_id": row.token_id,
        "kind": row.kind,
        "source": row.source,
        "reason": row.reason,
        "payload": Jsonb({name: _storable(value) for name, value in row.payload.items()}),
    }


def _storable(value: str | None) -> str | None:
    """`value` without what PostgreSQL cannot hold (NUL), and of bounded length."""
    return value and value.replace("\0", "\N{REPLACEMENT CHARACTER}")[:_LONGEST]
