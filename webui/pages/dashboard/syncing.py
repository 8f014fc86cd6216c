"""What of one's accounts and wallets is being read at the moment."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

# A sync that never began, or ended, is shown by the page of connections.
_OPEN = """
    select c.exchange as name, 'exchange' as kind, s.created_at as since, s.imported
    from app.exchange_syncs s
    join app.exchange_connections c on c.id = s.connection_id
    where s.user_id = %(owner)s and s.finished_at is null
    union all
    select w.blockchain, 'wallet', s.created_at, s.imported
    from app.wallet_syncs s
    join app.wallet_connections w on w.id = s.wallet_id
    where s.user_id = %(owner)s and s.finished_at is null
    order by since
    limit 6
"""


@dataclass(frozen=True, slots=True)
class Syncing:
    """An account (an exchange) or wallet (a chain) that is being read; `imported` records so far."""

    name: str
    kind: str
    since: datetime
    imported: int


def now(conn: Connection, owner: UUID) -> list[Syncing]:
    """Those of `owner`, the oldest first."""
    return conn.cursor(row_factory=class_row(Syncing)).execute(_OPEN, {"owner": owner}).fetchall()
