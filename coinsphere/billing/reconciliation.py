"""Brings our tables in line with a payment provider's standing of a customer; every change goes to the audit log."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection

from coinsphere.analytics import recording
from coinsphere.analytics.events import PlanChanged
from coinsphere.audit import chain
from coinsphere.audit.events import Event
from coinsphere.audit.masking import Detail
from coinsphere.billing import repository
from coinsphere.billing.entitlement import Subscription
from coinsphere.billing.model import Payment, Standing
from coinsphere.security.symmetric_keys import SymmetricKeys

Act = tuple[Event, str, dict[str, Detail]]


@dataclass(frozen=True, slots=True)
class Trouble:
    """New trouble to mail a user about: subscriptions whose payment failed, and payments that bought nothing."""

    failed: list[Subscription]
    short: list[Payment]


_WHO = "select user_id from app.billing_customers where provider = %(provider)s and reference = %(customer)s"
_STATUSES = "select reference, status, cancels_at from app.subscriptions where provider = %(provider)s and user_id = %(user_id)s"
_SUBSCRIPTION = """
    insert into app.subscriptions (user_id, provider, reference, plan, status, period_started_at, period_ends_at, cancels_at,
        updated_at)
    values (%(user_id)s, %(provider)s, %(reference)s, %(plan)s, %(status)s, %(period_started_at)s, %(period_ends_at)s,
        %(cancels_at)s, %(now)s)
    on conflict (provider, reference) do update set
        status = excluded.status, period_started_at = excluded.period_started_at,
        period_ends_at = excluded.period_ends_at, cancels_at = excluded.cancels_at, updated_at = excluded.updated_at
"""
_PAYMENTS = "select provider_reference, status from app.payment_intents where provider = %(provider)s and user_id = %(user_id)s"
_PAYMENT = """
    insert into app.payment_intents (user_id, provider, provider_reference, plan, amount, currency, status, created_at, updated_at)
    values (%(user_id)s, %(provider)s, %(reference)s, %(plan)s, %(amount)s, %(currency)s, %(status)s, %(now)s, %(now)s)
    on conflict (provider, provider_reference) do update set status = excluded.status, updated_at = excluded.updated_at
"""
_TIER = "update app.users set subscription_tier = %(plan)s where id = %(user_id)s"
_EVENTS = {
    "succeeded": Event.PAYMENT_SETTLED,
    "failed": Event.PAYMENT_FAILED,
    "refunded": Event.PAYMENT_REFUNDED,
}


def owner(conn: Connection, provider: str, customer: str) -> UUID | None:
    """The user that a customer belongs to; None where the account is gone, or is none of ours."""
    row = conn.execute(_WHO, {"provider": provider, "customer": customer}).fetchone()
    return None if row is None else UUID(str(row[0]))


def apply(
    conn: Connection,
    keys: SymmetricKeys,
    provider: str,
    user_id: UUID,
    standing: Standing,
    *,
    now: datetime,
    grace: timedelta,
) -> Trouble:
    """Bring our tables up to date in the caller's transaction. Returns new trouble.

    Applying the same again changes nothing and audits nothing.
    """
    known = {"provider": provider, "user_id": user_id, "now": now}
    before = {ref: (status, end) for ref, status, end in conn.execute(_STATUSES, known)}
    changed = [
        subscription
        for subscription in standing.subscriptions
        if before.get(subscription.reference) != (subscription.status, subscription.cancels_at)
    ]
    news = _news(conn, known, standing.payments)
    acts = [*_paid(conn, known, news), *map(_plan_act, changed)]
    for subscription in standing.subscriptions:
        conn.execute(_SUBSCRIPTION, {**known, **asdict(subscription)})
    # What another provider sold counts, too.
    plan = repository.entitled(conn, user_id, now, grace).plan
    conn.execute(_TIER, {**known, "plan": plan.name})
    if changed:
        recording.record(conn, user_id, PlanChanged(plan.name), now)
    for event, target, details in acts:
        chain.append(conn, keys, event, now, actor_id=user_id, target=target, details=details)
    failed = [each for each in changed if _has_just_failed(each, before)]
    return Trouble(failed, [payment for payment in news if payment.is_short])


def _has_just_failed(
    subscription: Subscription, before: Mapping[str, tuple[str, datetime | None]]
) -> bool:
    was, _ = before.get(subscription.reference, ("", None))
    return subscription.status == "past_due" and was != "past_due"


def _news(conn: Connection, known: dict[str, Any], payments: Sequence[Payment]) -> list[Payment]:
    before: dict[str, str] = dict(conn.execute(_PAYMENTS, known).fetchall())
    return [payment for payment in payments if before.get(payment.reference) != payment.status]


def _paid(conn: Connection, known: dict[str, Any], news: Sequence[Payment]) -> Iterator[Act]:
    for payment in news:
        conn.execute(_PAYMENT, {**known, **asdict(payment)})
        if payment.status in _EVENTS:
            sum_paid = {"amount": str(payment.amount), "currency": payment.currency}
            yield _EVENTS[payment.status], payment.reference, {**sum_paid, "plan": payment.plan}


def _plan_act(changed: Subscription) -> Act:
    ends = None if changed.cancels_at is None else changed.cancels_at.isoformat()
    details: dict[str, Detail] = {"plan": changed.plan, "status": changed.status, "ends": ends}
    return Event.PLAN_CHANGED, changed.reference, details
