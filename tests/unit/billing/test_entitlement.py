"""What subscriptions give: over a life with its moments, and what may never happen."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coinsphere.billing import entitlement
from coinsphere.billing.entitlement import Subscription, gives_until
from coinsphere.billing.plans import (
    FREE,
    PRO,
    SOLD,
    PlanFeature,
    PlanLimit,
    with_feature,
    with_room,
)

BEGIN, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
GRACE, SECOND = timedelta(days=7), timedelta(seconds=1)


def held(status, *, cancels_at=None, reference="sub_1"):
    return Subscription(reference, "pro", status, BEGIN, END, cancels_at)


@pytest.mark.parametrize(
    ("subscription", "end"),
    [
        (held("trial"), END + GRACE),
        (held("active"), END + GRACE),
        (held("active", cancels_at=END), END),
        (held("past_due"), BEGIN + GRACE),
        (held("past_due", cancels_at=BEGIN + SECOND), BEGIN + SECOND),
        (held("cancelled", cancels_at=END), END),
        (held("incomplete"), None),
        (held("refunded"), None),
    ],
)
def test_until_when_a_subscription_gives_its_plan(subscription, end) -> None:
    assert gives_until(subscription, GRACE) == end
    if end is None:
        assert entitlement.of([subscription], BEGIN, GRACE).plan is FREE
        return
    assert entitlement.of([subscription], end - SECOND, GRACE).plan is PRO
    after = entitlement.of([subscription], end, GRACE)
    said = "cancelled" if subscription.status in ("trial", "active") else subscription.status
    assert (after.plan, after.status, after.ends_at) == (FREE, said, None)


def test_what_is_said_of_the_end_and_of_the_next_payment() -> None:
    assert entitlement.of([held("active")], BEGIN, GRACE).renews_at == END
    assert entitlement.of([held("active")], BEGIN, GRACE).ends_at is None
    leaving = entitlement.of([held("active", cancels_at=END)], BEGIN, GRACE)
    assert (leaving.ends_at, leaving.renews_at) == (END, None)
    failed = entitlement.of([held("past_due")], BEGIN, GRACE)
    assert (failed.ends_at, failed.renews_at) == (BEGIN + GRACE, None)
    assert entitlement.of([], BEGIN, GRACE) == entitlement.NOTHING_BOUGHT


def _moments(first, last):
    # Hypothesis takes bounds without a zone.
    return st.datetimes(
        first.replace(tzinfo=None), last.replace(tzinfo=None), timezones=st.just(UTC)
    )


_STATUSES = ("incomplete", "trial", "active", "past_due", "cancelled", "refunded")
_SUBSCRIPTIONS = st.lists(
    st.builds(
        Subscription,
        st.uuids().map(str),
        st.just("pro"),
        st.sampled_from(_STATUSES),
        _moments(BEGIN - 9 * GRACE, BEGIN),
        _moments(BEGIN, END),
        st.none() | _moments(BEGIN - 9 * GRACE, END),
    ),
    max_size=4,
)  # fmt: skip


@settings(deadline=None)
@given(_SUBSCRIPTIONS, _moments(BEGIN - 9 * GRACE, END + 2 * GRACE))
def test_the_order_does_not_matter_and_one_that_gives_is_enough(found, now) -> None:
    one = entitlement.of(found, now, GRACE)
    assert one.plan is entitlement.of(found[::-1], now, GRACE).plan
    gives = any((end := gives_until(each, GRACE)) and end > now for each in found)
    assert (one.plan is PRO) == gives
    assert one.ends_at is None or one.ends_at > now


def test_every_plan_says_all_and_a_larger_one_takes_nothing_away() -> None:
    assert all(set(plan.limits) == set(PlanLimit) for plan in SOLD.values())
    for limit in PlanLimit:
        assert PRO.limits[limit] is None
        assert not FREE.has_room(limit, FREE.limits[limit] or 0)
        assert with_room(limit, 1_000) is PRO
    assert FREE.features < PRO.features == set(PlanFeature)
    assert all(with_feature(feature) is PRO for feature in PlanFeature)
