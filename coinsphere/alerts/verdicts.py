"""Asks by a link in the mail whether an alert was useful; it is answered once, without a login."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from psycopg import Connection

from coinsphere.accounts import opaque_tokens
from coinsphere.alerts.firing import Firing
from coinsphere.experiments import records
from coinsphere.experiments.catalogue import Metric

_ASK = """
    insert into app.alert_verdicts (alert_event_id, user_id, token_hash)
    select * from unnest(%(event_ids)b::uuid[], %(user_ids)b::uuid[], %(token_hashes)b::bytea[])
"""
_OWNER = "select user_id from app.alert_verdicts where token_hash = %s"
_ANSWER = """
    update app.alert_verdicts set is_useful = %(is_useful)s, answered_at = %(now)s
    where token_hash = %(token_hash)s and answered_at is null
"""


def ask(conn: Connection, firings: Sequence[Firing]) -> dict[UUID, str]:
    """Create the token of each firing's link, by event; only its hash is stored."""
    tokens = {each.event_id: opaque_tokens.new() for each in firings}
    conn.execute(
        _ASK,
        {
            "event_ids": list(tokens),
            "user_ids": [each.user_id for each in firings],
            "token_hashes": [opaque_tokens.digest(each) for each in tokens.values()],
        },
    )
    return tokens


def owner(conn: Connection, token: str) -> UUID | None:
    """The user whom a link was mailed to; None where the alert is gone."""
    row = conn.execute(_OWNER, [opaque_tokens.digest(token)]).fetchone()
    return row[0] if row else None


def answer(conn: Connection, token: str, user_id: UUID, now: datetime, *, is_useful: bool) -> None:
    """Store the answer to a link, unless it was answered before; experiments count it.

    Args:
        conn: acts for the owner.
        token: that of the link.
        user_id: its owner.
        now: when.
        is_useful: what they say.
    """
    values = {"is_useful": is_useful, "now": now, "token_hash": opaque_tokens.digest(token)}
    if conn.execute(_ANSWER, values).rowcount:
        metric = Metric.ALERT_USEFUL if is_useful else Metric.ALERT_NOT_USEFUL
        records.observe(conn, metric, user_id, now)
