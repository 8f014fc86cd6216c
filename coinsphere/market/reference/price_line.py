"""Whether a token's history continues across changes of its name or unit, by the function `market.price_line` of the database."""

from collections.abc import Sequence
from uuid import UUID

from psycopg import Connection

_WITH_LINE = """
    select token.id from unnest(%(token_ids)s::uuid[]) as token (id)
    where exists (
        select from market.asset_events
        where (token_id = token.id and kind = 'redenomination' or successor_id = token.id and kind in ('rename', 'swap'))
    )
"""


def has_line(conn: Connection, token_id: UUID) -> bool:
    """Whether the token's history may be longer than its own candles, or in another unit than they are."""
    return bool(with_line(conn, [token_id]))


def with_line(conn: Connection, token_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the tokens that `has_line` is true of."""
    rows = conn.execute(_WITH_LINE, {"token_ids": list(token_ids)}).fetchall()
    return {token_id for (token_id,) in rows}
