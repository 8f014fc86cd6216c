"""The audit log: who did what to which account, from where. Rows are added and never changed."""

from collections.abc import Mapping
from uuid import UUID

from flask import g, request
from psycopg import Connection
from psycopg.types.json import Jsonb

_RECORD = """
    insert into app.audit_logs (actor_id, action, target, ip_address, request_id, details)
    values (%(actor_id)s, %(action)s, %(target)s, %(ip_address)s, %(request_id)s, %(details)s)
"""


def record(
    conn: Connection,
    action: str,
    *,
    actor_id: UUID | None = None,
    target: str | None = None,
    details: Mapping[str, str] | None = None,
) -> None:
    """Note an act of the present request, in the transaction that does it."""
    conn.execute(
        _RECORD,
        {
            "actor_id": actor_id,
            "action": action,
            "target": target,
            "ip_address": request.remote_addr,
            "request_id": g.request_id,
            "details": Jsonb(dict(details or {})),
        },
    )
