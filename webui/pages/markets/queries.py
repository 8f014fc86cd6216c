"""Closes of the last weeks of many tokens at once, for small lines."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from psycopg import Connection

_CLOSES = """
    select wanted.token_id, array_agg(recent.close order by recent.opened_at)
    from unnest(%(token_ids)s::uuid[]) as wanted (token_id)
    join lateral (
        select opened_at, close from market.price_data
        where token_id = wanted.token_id and interval = '1d' and quality <> 'suspect'
        order by opened_at desc
        limit %(days)s
    ) recent on true
    group by wanted.token_id
"""


def closes(conn: Connection, token_ids: Sequence[UUID], days: int) -> dict[UUID, list[Decimal]]:
    """Daily closes of each token, oldest first, the newest `days` of them; a token without any is missing."""
    rows = conn.execute(_CLOSES, {"token_ids": list(token_ids), "days": days})
    return {row[0]: row[1] for row in rows}
