"""Whether a token's history continues across changes of its name or unit, by the function `market.price_line` of the database."""

from uuid import UUID

from psycopg import Connection

_ANY = """
    select exists (
        select from market.asset_events
        where (token_id = %(token_id)s and kind = 'redenomination'
               or successor_id = %(token_id)s and kind in ('rename', 'swap'))
    )
"""


def has_line(conn: Connection, token_id: UUID) -> bool:
    """Whether the token's history may be longer than its own candles, or in another unit than they are."""
    row = conn.execute(_ANY, {"token_id": token_id}).fetchone()
    return row == (True,)
