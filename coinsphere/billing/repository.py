"""Subscriptions in PostgreSQL, and how much of each plan's limits a user has used."""

from datetime import datetime, timedelta
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.billing import entitlement
from coinsphere.billing.entitlement import Entitlement, Subscription
from coinsphere.billing.model import Invoice
from coinsphere.billing.plans import PlanLimit

_HELD = """
    select reference, plan, status, period_started_at, period_ends_at, cancels_at
    from app.subscriptions where user_id = %(user_id)s and (%(provider)s::text is null or provider = %(provider)s)
"""
_BOOKED = """
    select provider_reference, status from app.payment_intents
    where provider = %(provider)s and user_id = %(user_id)s and provider_reference is not null
"""
# Of an account that is gone nothing is booked any more.
_BOOKED_SINCE = """
    select provider_reference, status from app.payment_intents
    where provider = %(provider)s and created_at >= %(since)s and user_id is not null and provider_reference is not null
"""
_BOOK = """
    insert into app.payment_intents (user_id, provider, provider_reference, plan, amount, currency, status, created_at, updated_at)
    values (%(user_id)s, %(provider)s, %(reference)s, %(plan)s, %(amount)s, %(currency)s, 'pending', %(now)s, %(now)s)
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


def entitled(
    conn: Connection, user_id: UUID, now: datetime, grace: timedelta, provider: str | None = None
) -> Entitlement:
    """The plan that a user's subscriptions give now; with a provider, only those there."""
    with conn.cursor(row_factory=class_row(Subscription)) as cursor:
        subscriptions = cursor.execute(_HELD, {"user_id": user_id, "provider": provider}).fetchall()
    return entitlement.of(subscriptions, now, grace)


def booked(conn: Connection, provider: str, user_id: UUID) -> dict[str, str]:
    """The status of each payment of a user, by the provider's id of it."""
    return dict(conn.execute(_BOOKED, {"provider": provider, "user_id": user_id}).fetchall())


def booked_since(conn: Connection, provider: str, since: datetime) -> dict[str, str]:
    """The status of each payment of all users that was asked for since then."""
    return dict(conn.execute(_BOOKED_SINCE, {"provider": provider, "since": since}).fetchall())


def book(
    conn: Connection, provider: str, user_id: UUID, invoice: Invoice, *, plan: str, now: datetime
) -> None:
    """Store a demand for payment, before it can be paid."""
    asked = {"reference": invoice.reference, "amount": invoice.amount, "currency": invoice.currency}
    whose = {"provider": provider, "user_id": user_id, "plan": plan, "now": now}
    conn.execute(_BOOK, {**whose, **asked})


def has_subscribed(conn: Connection, user_id: UUID) -> bool:
    """Whether a user ever began a subscription, however it ended."""
    return conn.execute(_EVER, {"user_id": user_id}).fetchone() == (True,)


def used(conn: Connection, user_id: UUID, now: datetime) -> dict[PlanLimit, int]:
    """How many a user has of everything that plans count."""
    row = conn.execute(_USED, {"user_id": user_id, "now": now}).fetchone() or ()
    return dict(zip(_COUNTED, row, strict=True))


def count_alone(conn: Connection, user_id: UUID, limit: PlanLimit, now: datetime) -> int:
    """How many a user has of one limit, locked so that nobody else counts it for this user until the transaction ends."""
    conn.execute(_LOCK, {"name": f"plan {user_id} {limit}"})
    row = conn.execute(_COUNTED[limit], {"user_id": user_id, "now": now}).fetchone()
    return int(row[0]) if row else 0
