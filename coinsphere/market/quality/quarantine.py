"""Stores refused rows as they came. A person decides on them by `coinsphere.market.quality.quarantine_review`."""

from collections.abc import Mapping, Sequence
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
    select distinct fresh.token_id, fresh.kind, fresh.source, fresh.reason, fresh.payload
    from unnest(
        %(token_ids)s::uuid[], %(kinds)s::text[], %(sources)s::text[], %(reasons)s::text[], %(payloads)s::jsonb[]
    ) as fresh (token_id, kind, source, reason, payload)
    where not exists (
        select from market.quarantine held
        where held.token_id is not distinct from fresh.token_id
            and held.kind = fresh.kind and held.source = fresh.source
            and held.reason = fresh.reason and held.payload = fresh.payload
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


def store(conn: Connection, rows: Sequence[Rejected]) -> None:
    """Keep `rows`, each once however often it comes."""
    if not rows:
        return
    conn.execute(
        _STORE,
        {
            "token_ids": [row.token_id for row in rows],
            "kinds": [row.kind for row in rows],
            "sources": [row.source for row in rows],
            "reasons": [_storable(row.reason) for row in rows],
            "payloads": [
                Jsonb({name: _storable(value) for name, value in row.payload.items()})
                for row in rows
            ],
        },
    )


def _storable(value: str | None) -> str | None:
    """`value` without what PostgreSQL cannot hold (NUL, lone surrogates), and of bounded length."""
    if value is None:
        return None
    text = value.replace("\0", "\N{REPLACEMENT CHARACTER}")[:_LONGEST]
    return text.encode(errors="replace").decode()
