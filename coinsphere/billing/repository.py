"""Subscriptions in PostgreSQL, and how much of what plans count a user has."""

from datetime import datetime, timedelta
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.billing import entitlement
from coinsphere.billing.entitlement import Entitlement, Subscription
from coinsphere.billing.plans import PlanLimit

_HELD = """
    select reference, plan, status, period_started_at, period_ends_at, cancels_at
    from app.subscriptions where user_id = %(user_id)s
"""
_EVER = "select exists (select from app.subscriptions where user_id = %(user_id)s)"
_LOCK = "select pg_advisory_xact_lock(hashtextextended(%(name)s, 0))"
_COUNTED: dict[PlanLimit, str] = {
    PlanLimit.PORTFOLIOS: "select count(*) from app.portfolios where user_id = %(user_id)s",
    PlanLimit.ALERTS: "select count(*) from app.alerts where user_id = %(user_id)s",
    PlanLimit.CHANNELS: "select count(*) from app.alert_channels where user_id = %(user_id)s",
    PlanLimit.EXCHANGES: "select count(*) from app.exchange_connections where user_id = %(user_id)s",
    PlanLimit.WALLETS: "select count(*) from app.wallet_connections where user_id = %(user_id)s",
    PlanLimit.API_KEYS: """
        select count(*) from app.api_keys
        where user_id = %(user_id)s and revoked_at is null and (expires_at is null or expires_at > %(now)s)
    """,
}
_USED = "select " + ", ".join(f"({query})" for query in _COUNTED.values())


def entitled(conn: Connection, user_id: UUID, now: datetime, grace: timedelta) -> Entitlement:
    """What a user's subscriptions give him now."""
    with conn.cursor(row_factory=class_row(Subscription)) as cursor:
        held = cursor.execute(_HELD, {"user_id": user_id}).fetchall()
    return entitlement.of(held, now, grace)


def has_subscribed(conn: Connection, user_id: UUID) -> bool:
    """Whether a user ever began a subscription, however it ended."""
    return conn.execute(_EVER, {"user_id": user_id}).fetchone() == (True,)


def used(conn: Connection, user_id: UUID, now: datetime) -> dict[PlanLimit, int]:
    """How many of everything that plans count a user has."""
    row = conn.execute(_USED, {"user_id": user_id, "now": now}).fetchone() or ()
    return dict(zip(_COUNTED, row, strict=True))


def count_alone(conn: Connection, user_id: UUID, limit: PlanLimit, now: datetime) -> int:
    """The same of one limit, while nobody else counts it for this user until the transaction ends."""
    conn.execute(_LOCK, {"name": f"plan {user_id} {limit}"})
    row = conn.execute(_COUNTED[limit], {"user_id": user_id, "now": now}).fetchone()
    return int(row[0]) if row else 0
