"""Records of an account that are not in the books, and why."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

_LIST = """
    select native_id as name, reason, stream, unread is null as is_read, coalesce(unread, record::text) as row,
        occurred_at, found_at, tried_at
    from app.exchange_unbooked
    where connection_id = %(connection_id)s
    order by occurred_at desc nulls first, native_id
    limit %(limit)s
"""
_COUNT = """
    select connection_id, count(*) from app.exchange_unbooked
    where connection_id = any(%(connection_ids)s) group by connection_id
"""


@dataclass(frozen=True, slots=True)
class NotBooked:
    """One record that is not booked.

    Attributes:
        name: of the record, by the exchange's own id.
        reason: why it is not booked.
        stream: the list that told it, where that is known.
        is_read: whether the row could be read, and only what it means cannot be booked yet.
        row: as it was told, or what was read of it.
        occurred_at: None where the row tells no time that can be read.
        found_at: when it was told first.
        tried_at: when it was tried last.
    """

    name: str
    reason: str
    stream: str | None
    is_read: bool
    row: str
    occurred_at: datetime | None
    found_at: datetime
    tried_at: datetime | None


def listed(conn: Connection, connection_id: UUID, limit: int) -> list[NotBooked]:
    """The records of a connection that are not booked: those without a time first, then the newest."""
    parameters = {"connection_id": connection_id, "limit": limit}
    return conn.cursor(row_factory=class_row(NotBooked)).execute(_LIST, parameters).fetchall()


def counts(conn: Connection, connection_ids: Collection[UUID]) -> dict[UUID, int]:
    """The number of records that are not booked, by connection; connections with none are left out."""
    return dict(conn.execute(_COUNT, {"connection_ids": list(connection_ids)}).fetchall())
