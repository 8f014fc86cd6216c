"""Events from payment providers: stored first, then handled by the worker in one job for each customer."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from psycopg import Connection

from coinsphere.billing.model import PaymentEvent

QUEUE = "billing"
REFRESH = "refresh_customer"
CLOSE = "close_customer"

# Without its columns `on conflict` needs no right to see the row that is there.
_STORE = """
    insert into app.payment_events (provider, reference, topic, customer, occurred_at, received_at, found_by)
    values (%(provider)s, %(reference)s, %(topic)s, %(customer)s, %(occurred_at)s, %(now)s, %(found_by)s)
    on conflict do nothing
"""
_REFRESH = """
    select jobs.defer_once(%(queue)s, %(task)s, %(customer)s::text,
        jsonb_build_object('provider', %(provider)s::text, 'customer', %(customer)s::text))
"""
_WAITING = """
    select reference from app.payment_events
    where provider = %(provider)s and customer = %(customer)s and handled_at is null
"""
_HANDLED = """
    update app.payment_events set handled_at = %(now)s,
        user_id = (select user_id from app.billing_customers where provider = %(provider)s and reference = %(customer)s)
    where provider = %(provider)s and reference = any(%(references)s)
"""
_ABOUT_NOBODY = "update app.payment_events set handled_at = received_at where customer is null and handled_at is null"
# Those of whom something waits, and those whose period is over by our books.
_BEHIND = """
    select customer from app.payment_events where provider = %(provider)s and handled_at is null and customer is not null
    union
    select c.reference from app.billing_customers c join app.subscriptions s using (user_id, provider)
    where c.provider = %(provider)s and s.status in ('trial', 'active', 'past_due')
        and (s.period_ends_at < %(now)s or s.cancels_at < %(now)s)
"""
_FORGET = "delete from app.payment_events where handled_at < %(before)s"


def store(
    conn: Connection,
    provider: str,
    event: PaymentEvent,
    now: datetime,
    found_by: Literal["webhook", "reconciliation"],
) -> bool:
    """Store an event and the job that handles it. Returns False, and changes nothing, where it is known."""
    values = {
        "provider": provider,
        "reference": event.reference,
        "topic": event.topic,
        "customer": event.customer,
        "occurred_at": event.occurred_at,
        "now": now,
        "found_by": found_by,
    }
    is_new = conn.execute(_STORE, values).rowcount == 1
    if is_new and event.customer is not None:
        refresh_later(conn, provider, event.customer)
    return is_new


def refresh_later(conn: Connection, provider: str, customer: str) -> None:
    """Queue a job that asks the provider anew about a customer; only one waits at a time."""
    values = {"queue": QUEUE, "task": REFRESH, "provider": provider, "customer": customer}
    conn.execute(_REFRESH, values)


def waiting(conn: Connection, provider: str, customer: str) -> list[str]:
    """The events about a customer that are not handled yet."""
    rows = conn.execute(_WAITING, {"provider": provider, "customer": customer})
    return [reference for (reference,) in rows]


def handled(
    conn: Connection, provider: str, customer: str, references: Iterable[str], now: datetime
) -> None:
    """Mark events as handled, and store which user they are about."""
    values = {"provider": provider, "customer": customer, "references": list(references)}
    conn.execute(_HANDLED, {**values, "now": now})


def behind(conn: Connection, provider: str, now: datetime) -> list[str]:
    """Customers with an event that waits, or without one that should have come."""
    conn.execute(_ABOUT_NOBODY)
    rows = conn.execute(_BEHIND, {"provider": provider, "now": now})
    return [customer for (customer,) in rows]


def forget(conn: Connection, before: datetime) -> None:
    """Delete events that were handled before then."""
    conn.execute(_FORGET, {"before": before})
