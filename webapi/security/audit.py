"""The audit log as the API writes it, with the present request's address, id and instant."""

from collections.abc import Mapping
from uuid import UUID

from flask import g, request
from psycopg import Connection

from coinsphere.audit import chain
from coinsphere.audit.events import Event
from coinsphere.audit.masking import Detail
from webapi.services import services


def record(
    conn: Connection,
    event: Event,
    *,
    actor_id: UUID | None = None,
    target: str | None = None,
    details: Mapping[str, Detail] | None = None,
) -> None:
    """Write an act of the present request to the audit log, as the last statement of its transaction."""
    work = services()
    chain.append(
        conn,
        work.audit_keys,
        event,
        work.clock(),
        actor_id=actor_id,
        target=target,
        ip_address=request.remote_addr,
        request_id=g.request_id,
        details=details,
    )
