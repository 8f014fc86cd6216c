"""Portfolios of users in PostgreSQL. Every statement names the owner, so nobody finds a portfolio of somebody else."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from psycopg import Connection, Cursor
from psycopg.rows import class_row

from coinsphere.portfolio import invalidations
from coinsphere.portfolio.jobs import recompute
from coinsphere.portfolio.lots.rebooking import BEGINNING
from coinsphere.portfolio.model import LotMethod, LotScope


@dataclass(frozen=True, slots=True)
class Definition:
    """The settings of a portfolio; `currency` is an ISO code or a token's symbol."""

    name: str
    description: str | None = None
    icon: str | None = None
    currency: str = "USD"
    lot_method: LotMethod = LotMethod.FIFO
    lot_scope: LotScope = LotScope.PORTFOLIO
    transfer_tolerance: Decimal = Decimal("0.005")
    transfer_hours: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio(Definition):
    """A portfolio and its state; `is_pending` while the worker has something to book or to value."""

    id: UUID
    is_active: bool
    created_at: datetime
    updated_at: datetime
    transaction_count: int
    revision: int
    first_day: date | None
    valued_at: datetime | None
    is_pending: bool


_PORTFOLIO = """
    select
        p.id, p.name, p.description, p.icon, p.currency, p.lot_method, p.lot_scope, p.transfer_tolerance,
        p.transfer_hours, p.is_active, p.created_at, p.updated_at, s.transaction_count, s.revision, s.first_day,
        s.valued_at,
        exists (select from app.booking_marks b where b.user_id = p.user_id)
            or exists (select from app.valuation_marks v where v.portfolio_id = p.id) as is_pending
    from app.portfolios p
    join app.portfolio_states s on s.portfolio_id = p.id
"""
_LIST = _PORTFOLIO + "where p.user_id = %(user_id)s order by p.created_at, p.id limit %(limit)s"
_GET = _PORTFOLIO + "where p.user_id = %(user_id)s and p.id = %(id)s"
_COUNT = "select count(*) from app.portfolios where user_id = %(user_id)s"
# The first one is the active one.
_CREATE = """
    insert into app.portfolios
        (user_id, name, description, icon, currency, lot_method, lot_scope, transfer_tolerance, transfer_hours, is_active)
    values (%(user_id)s, %(name)s, %(description)s, %(icon)s, %(currency)s, %(lot_method)s, %(lot_scope)s,
            %(transfer_tolerance)s, %(transfer_hours)s,
            not exists (select from app.portfolios where user_id = %(user_id)s and is_active))
    returning id
"""
_UPDATE = """
    update app.portfolios set
        name = %(name)s, description = %(description)s, icon = %(icon)s, currency = %(currency)s,
        lot_method = %(lot_method)s, lot_scope = %(lot_scope)s, transfer_tolerance = %(transfer_tolerance)s,
        transfer_hours = %(transfer_hours)s
    where user_id = %(user_id)s and id = %(id)s
"""
_ACTIVATE = """
    update app.portfolios set is_active = id = %(id)s
    where user_id = %(user_id)s and is_active is distinct from (id = %(id)s)
"""
# Lots that left for another portfolio of the user go on without their past: those tokens are booked anew.
_TOUCHED = """
    select distinct token_id from app.lots where user_id = %(user_id)s and portfolio_id = %(id)s
    union
    select token_id from app.transfer_matches m
    where m.user_id = %(user_id)s and exists (
        select from app.transactions t
        where t.portfolio_id = %(id)s and t.fact_id in (m.out_fact_id, m.in_fact_id)
    )
"""
_DELETE = "delete from app.portfolios where user_id = %(user_id)s and id = %(id)s"
_BOOKED = ("currency", "lot_method", "lot_scope", "transfer_tolerance", "transfer_hours")
"""What lots, costs and values depend on."""


def list_for(conn: Connection, user_id: UUID, limit: int = 200) -> list[Portfolio]:
    """The user's portfolios, the oldest first."""
    cursor = conn.cursor(row_factory=class_row(Portfolio))
    return cursor.execute(_LIST, {"user_id": user_id, "limit": limit}).fetchall()


def get(conn: Connection, user_id: UUID, portfolio_id: UUID) -> Portfolio | None:
    """One portfolio of the user; None where there is none of that id."""
    return ask(conn, user_id, portfolio_id).fetchone()


def ask(conn: Connection, user_id: UUID, portfolio_id: UUID) -> Cursor[Portfolio]:
    """Sends the statement of `get`; in a pipeline, without waiting for the answer."""
    cursor = conn.cursor(row_factory=class_row(Portfolio))
    return cursor.execute(_GET, {"user_id": user_id, "id": portfolio_id})


def count(conn: Connection, user_id: UUID) -> int:
    """How many portfolios the user has."""
    row = conn.execute(_COUNT, {"user_id": user_id}).fetchone()
    assert row is not None
    return int(row[0])


def create(conn: Connection, user_id: UUID, new: Definition) -> Portfolio:
    """Store a portfolio."""
    row = conn.execute(_CREATE, {"user_id": user_id, **asdict(new)}).fetchone()
    assert row is not None
    portfolio = get(conn, user_id, row[0])
    assert portfolio is not None
    return portfolio


def update(
    conn: Connection, user_id: UUID, portfolio_id: UUID, wanted: Definition
) -> Portfolio | None:
    """Change a portfolio; None where there is none of that id. A change that affects costs has all booked again."""
    invalidations.lock(conn, user_id)
    stored = get(conn, user_id, portfolio_id)
    if stored is None:
        return None
    conn.execute(_UPDATE, {"user_id": user_id, "id": portfolio_id, **asdict(wanted)})
    if any(getattr(stored, name) != getattr(wanted, name) for name in _BOOKED):
        recompute.invalidate_all(conn, user_id)
        invalidations.enqueue(conn, user_id)
    return get(conn, user_id, portfolio_id)


def activate(conn: Connection, user_id: UUID, portfolio_id: UUID) -> Portfolio | None:
    """Make a portfolio the active one, and the others not; None where there is none of that id."""
    if get(conn, user_id, portfolio_id) is None:
        return None
    conn.execute(_ACTIVATE, {"user_id": user_id, "id": portfolio_id})
    return get(conn, user_id, portfolio_id)


def delete(conn: Connection, user_id: UUID, portfolio_id: UUID) -> bool:
    """Delete a portfolio with all that belongs to it; False where there is none of that id."""
    invalidations.lock(conn, user_id)
    parameters = {"user_id": user_id, "id": portfolio_id}
    touched: Sequence[tuple[UUID]] = conn.execute(_TOUCHED, parameters).fetchall()
    if conn.execute(_DELETE, parameters).rowcount == 0:
        return False
    if touched:
        token_ids = [token_id for (token_id,) in touched]
        invalidations.to_book(conn, user_id, dict.fromkeys(token_ids, BEGINNING))
        invalidations.enqueue(conn, user_id)
    return True
