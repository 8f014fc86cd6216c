"""Prices that a person doubts: out of use until a newer one comes, and kept with the reason for the doubt.

What the rules of arrival doubt never becomes a quote. This is for what passed them and is wrong all the same.
"""

from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from psycopg import Connection

from coinsphere.market.quality import quarantine
from coinsphere.market.quality.quarantine import Rejected

_DOUBT = """
    update market.quotes set quality = 'suspect' where token_id = %(token_id)s and quality = 'ok'
    returning price, source, observed_at::text
"""
_BELIEVE = """
    update market.quotes set quality = 'ok' where token_id = %(token_id)s and quality = 'suspect'
    returning price, source, observed_at::text
"""


class Marked(NamedTuple):
    """A quote that was marked; the price in US dollars."""

    price: Decimal
    source: str
    observed_at: str


def doubt(conn: Connection, token_id: UUID, reason: str) -> Marked | None:
    """Take a token's present price out of use: no value, no alert and no forecast uses it. None where none is used."""
    row = conn.execute(_DOUBT, {"token_id": token_id}).fetchone()
    if row is None:
        return None
    marked = Marked(*row)
    payload = {"price": f"{marked.price:f}", "observedAt": marked.observed_at}
    kept = Rejected(token_id, "quote", marked.source, f"doubted by hand: {reason}", payload)
    quarantine.store(conn, [kept])
    return marked


def believe(conn: Connection, token_id: UUID) -> Marked | None:
    """Take a doubted price into use again; None where there is none."""
    row = conn.execute(_BELIEVE, {"token_id": token_id}).fetchone()
    return None if row is None else Marked(*row)
