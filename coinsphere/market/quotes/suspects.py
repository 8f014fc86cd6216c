"""Marks a quote as suspect by hand: it is unused until a newer one comes, and kept in the quarantine with the reason.

A quote that fails the checks on arrival is never stored. This is for quotes that passed them and are wrong all the same.
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


class SuspectQuote(NamedTuple):
    """A quote that is or was marked as suspect; the price in US dollars."""

    price: Decimal
    source: str
    observed_at: str


def doubt(conn: Connection, token_id: UUID, reason: str) -> SuspectQuote | None:
    """Mark a token's present price as suspect, so that no value, alert or forecast uses it. None where it has none."""
    row = conn.execute(_DOUBT, {"token_id": token_id}).fetchone()
    if row is None:
        return None
    marked = SuspectQuote(*row)
    payload = {"price": f"{marked.price:f}", "observedAt": marked.observed_at}
    kept = Rejected(token_id, "quote", marked.source, f"doubted by hand: {reason}", payload)
    quarantine.store(conn, [kept])
    return marked


def believe(conn: Connection, token_id: UUID) -> SuspectQuote | None:
    """Take the mark off a suspect price; None where there is none."""
    row = conn.execute(_BELIEVE, {"token_id": token_id}).fetchone()
    return None if row is None else SuspectQuote(*row)
