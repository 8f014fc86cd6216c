"""SQL of the holdings' routes, beside the queries of `coinsphere.portfolio`."""

from uuid import UUID

from psycopg import Connection

_PORTFOLIO = """
    select h.portfolio_id
    from app.holdings h
    join app.portfolios p on p.id = h.portfolio_id
    where p.user_id = %(user_id)s and h.id = %(holding_id)s
"""
_ONLY = """
    select fact_id, type
    from app.transactions
    where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and superseded_at is null
        and (token_id = %(token_id)s or fee_token_id = %(token_id)s or counter_token_id = %(token_id)s)
    limit 2
"""


def portfolio_of(conn: Connection, user_id: UUID, holding_id: UUID) -> UUID | None:
    """The portfolio of a holding of the user; None where there is none of that id."""
    row = conn.execute(_PORTFOLIO, {"user_id": user_id, "holding_id": holding_id}).fetchone()
    return None if row is None else row[0]


def only_fact(conn: Connection, user_id: UUID, portfolio_id: UUID, token_id: UUID) -> UUID | None:
    """The opening balance that alone a holding follows from; None where there are other transactions."""
    parameters = {"user_id": user_id, "portfolio_id": portfolio_id, "token_id": token_id}
    rows = conn.execute(_ONLY, parameters).fetchall()
    return rows[0][0] if len(rows) == 1 and rows[0][1] == "opening_balance" else None
