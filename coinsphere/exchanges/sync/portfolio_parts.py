"""Syncs of a portfolio's exchange accounts as parts of its own sync, which ends when they have."""

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.exchanges.sync import syncs
from coinsphere.portfolio.jobs.syncs import Sync

_CONNECTIONS = """
    select id from app.exchange_connections
    where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and status = 'active'
"""
_ADD = """
    insert into app.portfolio_sync_parts (portfolio_sync_id, exchange_sync_id)
    values (%(portfolio_sync_id)s, %(exchange_sync_id)s)
"""
_SUM = """
    select
        count(*) filter (where s.status in ('queued', 'running')) as open,
        coalesce(sum(s.imported), 0)::integer as imported,
        max(s.finished_at) as finished_at,
        string_agg(c.exchange || ': ' || s.error, E'\\n' order by c.exchange, s.id)
            filter (where s.status = 'failed') as error
    from app.portfolio_sync_parts p
    join app.exchange_syncs s on s.id = p.exchange_sync_id
    join app.exchange_connections c on c.id = s.connection_id
    where p.portfolio_sync_id = %(portfolio_sync_id)s
    having count(*) > 0
"""


class _Sum(NamedTuple):
    open: int
    imported: int
    finished_at: datetime | None
    error: str | None


def request(conn: Connection, user_id: UUID, portfolio_id: UUID, portfolio_sync_id: UUID) -> None:
    """Request a sync of every account of the portfolio, as parts of its own."""
    parameters = {"user_id": user_id, "portfolio_id": portfolio_id}
    for (connection_id,) in conn.execute(_CONNECTIONS, parameters).fetchall():
        part = syncs.request(conn, connection_id)
        if part is not None:
            conn.execute(_ADD, {"portfolio_sync_id": portfolio_sync_id, "exchange_sync_id": part})


def with_parts(conn: Connection, sync: Sync) -> Sync:
    """The sync of a portfolio with its accounts' results; it runs while one of them does, and fails with one."""
    cursor = conn.cursor(row_factory=class_row(_Sum))
    parts = cursor.execute(_SUM, {"portfolio_sync_id": sync.id}).fetchone()
    if parts is None:
        return sync
    whole = replace(sync, imported=sync.imported + parts.imported, error=sync.error or parts.error)
    if sync.status != "succeeded":
        return whole
    if parts.open:
        return replace(whole, status="running", finished_at=None)
    last = max(each for each in (sync.finished_at, parts.finished_at) if each is not None)
    return replace(whole, status="failed" if parts.error else "succeeded", finished_at=last)
