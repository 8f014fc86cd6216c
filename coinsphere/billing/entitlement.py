"""Computes the plan that a user's subscriptions give at an instant. Pure.

A subscription is what the provider told when it was last asked, so it may be behind: a renewal whose news is late is
given the same grace as a payment that failed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from coinsphere.billing.plans import FREE, SOLD, UNLIMITED, Plan

Status = Literal["incomplete", "trial", "active", "past_due", "cancelled", "refunded"]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as the provider has it.

    Attributes:
        reference: the provider's name of it.
        plan: a name of `plans.SOLD`.
        status: `incomplete` was never paid; `past_due` failed to renew at the period's start; `cancelled` has ended;
            of a `refunded` one the newest payment was given back.
        period_started_at: when the present period began; of `past_due` the one that is not paid.
        period_ends_at: when it is to renew itself.
        cancels_at: when it ends or ended; None: it renews itself.
    """

    reference: str
    plan: str
    status: Status
    period_started_at: datetime
    period_ends_at: datetime
    cancels_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entitlement:
    """The plan that somebody has.

    Attributes:
        plan: what it allows.
        status: of the subscription that gives the plan, or of the newest that no longer does; None without one.
        ends_at: when the plan ends unless something is paid; None: it does not.
        renews_at: when the next payment is due; None: none will be.
    """

    plan: Plan
    status: Status | None = None
    ends_at: datetime | None = None
    renews_at: datetime | None = None


_RUNNING: Collection[Status] = ("trial", "active")
EVERYTHING = Entitlement(UNLIMITED)
NOTHING_BOUGHT = Entitlement(FREE)


def gives_until(subscription: Subscription, grace: timedelta) -> datetime | None:
    """The instant a subscription stops to give its plan; None where it gives nothing."""
    if subscription.status in ("incomplete", "refunded"):
        return None
    if subscription.status == "past_due":
        end = subscription.period_started_at + grace
        return end if subscription.cancels_at is None else min(end, subscription.cancels_at)
    return subscription.cancels_at or subscription.period_ends_at + grace


def of(subscriptions: Sequence[Subscription], now: datetime, grace: timedelta) -> Entitlement:
    """The plan that several subscriptions give together: the one that lasts longest counts."""
    ends = [
        (end, each) for each in subscriptions if (end := gives_until(each, grace)) and end > now
    ]
    if ends:
        end, best = max(ends, key=lambda pair: pair[0])
        return _given(best, end)
    if subscriptions:
        newest = max(subscriptions, key=lambda each: each.period_started_at)
        # The provider may tell that it has ended an hour later.
        has_ended = newest.status in _RUNNING
        return Entitlement(FREE, "cancelled" if has_ended else newest.status)
    return NOTHING_BOUGHT


def _given(subscription: Subscription, end: datetime) -> Entitlement:
    renews = subscription.status in _RUNNING and subscription.cancels_at is None
    return Entitlement(
        SOLD[subscription.plan],
        subscription.status,
        ends_at=None if renews else end,
        renews_at=subscription.period_ends_at if renews else None,
    )
