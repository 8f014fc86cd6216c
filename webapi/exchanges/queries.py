"""Queries of the exchanges' routes beside `coinsphere.exchanges`."""

from uuid import UUID

from psycopg import Connection

from coinsphere.portfolio import portfolios
from coinsphere.portfolio.portfolios import Definition

_ACTIVE = """
    select id from app.portfolios where user_id = %(user_id)s order by is_active desc, created_at, id limit 1
"""


def portfolio_for(conn: Connection, user_id: UUID, wanted: UUID | None) -> UUID | None:
    """The wanted portfolio, if it is the user's; without one the active portfolio, created where there is none."""
    if wanted is not None:
        portfolio = portfolios.get(conn, user_id, wanted)
        return None if portfolio is None else portfolio.id
    row = conn.execute(_ACTIVE, {"user_id": user_id}).fetchone()
    return (
        UUID(str(row[0])) if row else portfolios.create(conn, user_id, Definition("Exchanges")).id
    )
